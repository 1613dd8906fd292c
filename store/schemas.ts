/**
 * How stored JSON is read back: every adapter parses its rows and files with these. Strict, so that a
 * field which the domain gained and a schema here did not is met by the first test, not lost.
 */
import { z } from 'zod';
import type { FailureKind } from '#domain/failure.ts';
import type { JsonObject } from '#domain/json.ts';
import type { Job, JobSpec, JobStatus, Output, Waiting } from '#domain/job.ts';
import { pico } from '#domain/money.ts';
import type { JournalEntry, SeedSet, StoredTemplate } from './contract.ts';

/** An amount in pUSD as its decimal digits. */
export const moneySchema = z
  .string()
  .regex(/^-?\d+$/)
  .transform((digits) => pico(BigInt(digits)));

export const countSchema = z.int().nonnegative();

export const jsonObjectSchema = z.record(z.string(), z.json()) satisfies z.ZodType<JsonObject>;

export const warningsSchema = z.array(z.string());

const undefinedModeSchema = z.enum(['error', 'empty']);

export const jobSpecSchema = z.strictObject({
  template: z.strictObject({ id: z.string(), name: z.string(), sha256: z.string() }),
  seeds: z.strictObject({ id: z.string(), sha256: z.string(), rows: countSchema }),
  records: countSchema,
  jobSeed: z.number(),
  model: z.string().nullable(),
  concurrency: countSchema,
  undefinedMode: undefinedModeSchema,
  provider: z.enum(['bedrock', 'simulator']),
  sha256: z.string(),
}) satisfies z.ZodType<JobSpec>;

export const jobStatusSchema = z.enum([
  'validating',
  'running',
  'paused',
  'budget_exhausted',
  'finalizing',
  'completed',
  'failed',
  'cancelling',
  'cancelled',
]) satisfies z.ZodType<JobStatus>;

export const waitingSchema = z.strictObject({
  kind: z.enum(['paused', 'out-of-money', 'throttled', 'provider-down', 'quota', 'worker-trouble']),
  detail: z.string(),
  since: z.string(),
}) satisfies z.ZodType<Waiting>;

type JobFailure = NonNullable<Job['failure']>;

/** Written as a record so that the compiler names a kind that is missing here. */
const jobFailureKinds: Record<FailureKind | JobFailure['kind'], true> = {
  'undefined-variable': true,
  'template-error': true,
  'render-limit': true,
  'prompt-too-large': true,
  'answer-truncated': true,
  'content-filtered': true,
  'malformed-answer': true,
  'context-overflow': true,
  'empty-answer': true,
  throttled: true,
  'quota-exceeded': true,
  unreachable: true,
  'service-unavailable': true,
  'model-not-ready': true,
  'request-refused': true,
  'access-denied': true,
  'model-not-found': true,
  'not-sent': true,
  'no-answer': true,
  'provider-error': true,
  internal: true,
  breach: true,
};

function isJobFailureKind(kind: unknown): kind is JobFailure['kind'] {
  return typeof kind === 'string' && Object.hasOwn(jobFailureKinds, kind);
}

export const jobFailureSchema: z.ZodType<JobFailure> = z.strictObject({
  kind: z.custom<JobFailure['kind']>(isJobFailureKind),
  message: z.string(),
});

export const outputSchema = z.strictObject({
  number: countSchema,
  attempt: countSchema,
  prefix: z.string(),
  manifestSha256: z.string(),
  files: z.array(z.strictObject({ path: z.string(), bytes: countSchema, sha256: z.string() })),
}) satisfies z.ZodType<Output>;

const stepSchema = z.strictObject({
  id: z.string(),
  model: z.string().nullable(),
  tier: z.enum(['cheap', 'balanced', 'premium']),
  prompt: z.string(),
  system: z.string().nullable(),
  when: z.string().nullable(),
  maxTokens: countSchema,
  temperature: z.number().nullable(),
  topP: z.number().nullable(),
  stop: z.array(z.string()),
});

export const storedTemplateSchema = z.strictObject({
  id: z.string(),
  sha256: z.string(),
  document: z.string(),
  template: z.strictObject({
    name: z.string(),
    description: z.string(),
    category: z.string(),
    steps: z.array(stepSchema),
  }),
  graph: z.array(z.strictObject({ id: z.string(), needs: z.array(z.string()) })),
  variables: z.array(
    z.strictObject({
      path: z.string(),
      step: z.string(),
      line: z.number(),
      use: z.enum(['required', 'optional']),
    }),
  ),
  warnings: warningsSchema,
  createdAt: z.string(),
}) satisfies z.ZodType<StoredTemplate>;

export const seedSetSchema = z.strictObject({
  id: z.string(),
  sha256: z.string(),
  rows: countSchema,
  bytes: countSchema,
  chunkRows: countSchema,
  chunks: z.array(z.strictObject({ key: z.string(), rows: countSchema, sha256: z.string() })),
  columns: z.array(
    z.strictObject({
      name: z.string(),
      present: countSchema,
      nulls: countSchema,
      types: z.array(z.string()),
    }),
  ),
  createdAt: z.string(),
}) satisfies z.ZodType<SeedSet>;

export const journalEntrySchema = z.strictObject({
  call: z.string(),
  record: countSchema,
  step: z.string(),
  try: countSchema,
  promptSha256: z.string(),
  model: z.string(),
  text: z.string(),
  stopReason: z.string(),
  usage: z.strictObject({
    inputTokens: countSchema,
    outputTokens: countSchema,
    cacheReadTokens: countSchema,
    cacheWriteTokens: countSchema,
  }),
  cost: z.string(),
  worst: z.string(),
  at: z.string(),
  latencyMs: z.number(),
  requestId: z.string(),
}) satisfies z.ZodType<JournalEntry>;

import { z } from '@hono/zod-openapi';
import { concurrencyMax, idempotencyKeyMax, jobSeedMax } from '#domain/limits.ts';
import { type PicoUsd, parseUsd } from '#domain/money.ts';
import { recordsMax } from '#domain/plan.ts';
import { Problem } from './problem.ts';
import { closedObject, shown } from './request.ts';

export const jobStatuses = [
  'validating',
  'running',
  'paused',
  'budget_exhausted',
  'finalizing',
  'completed',
  'failed',
  'cancelling',
  'cancelled',
] as const;

/** An amount in USD as text, parsed to pico-dollars. */
const limitText = z
  .string({ error: 'an amount in USD as text is allowed, such as "0.50"' })
  .transform((text, ctx): PicoUsd => {
    const parsed = parseUsd(text);
    if (parsed.kind === 'parsed') return parsed.amount;
    ctx.addIssue({ code: 'custom', message: ruleOf(parsed.reason) });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: '0.50', description: 'USD, at most 12 fraction digits.' });

/** `parseUsd` quotes the text that it saw; the problem does that already. */
function ruleOf(reason: string): string {
  return reason.slice(reason.indexOf(': ') + 2);
}

/** An optional field is left out for its default; null is refused like any other wrong value. */
export const jobRequest = closedObject({
  template: idOf('template', 'tpl_'),
  seeds: idOf('seed set', 'seeds_'),
  records: whole(1, recordsMax).openapi({ description: 'How many records are wanted.' }),
  limit: limitText,
  model: z
    .string({ error: 'the id of a model is allowed, or null for the models of the template' })
    .min(1, { error: 'the id of a model is allowed, or null for the models of the template' })
    .max(2_048, { error: 'the id of a model has at most 2048 characters' })
    .nullable()
    .default(null)
    .openapi({ description: "Replaces every step's model and tier." }),
  job_seed: whole(0, jobSeedMax).default(42),
  concurrency: whole(1, concurrencyMax).default(64),
  undefined: z
    .enum(['error', 'empty'], { error: '"error" or "empty" are allowed' })
    .default('error')
    .openapi({ description: 'How a variable that a row lacks is treated.' }),
}).openapi('JobRequest');

export type JobRequest = z.output<typeof jobRequest>;

export const limitRequest = closedObject({ limit: limitText }).openapi('LimitRequest');

export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string({ error: keyRule() })
    .regex(new RegExp(`^[\\x21-\\x7e]{1,${idempotencyKeyMax}}$`), { error: keyRule() })
    .openapi({ description: 'The same key with the same body answers the same job.' }),
});

function keyRule(): string {
  return `1 to ${idempotencyKeyMax} visible ASCII characters are allowed, such as a UUID made once per job`;
}

function whole(least: number, most: number) {
  const error = `a whole number from ${grouped(least)} to ${grouped(most)} is allowed`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** 1331 as "1,331". */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function idOf(what: string, prefix: string) {
  const error = `the id of a ${what} is allowed, which begins with "${prefix}"`;
  return z
    .string({ error })
    .min(1, { error })
    .max(64, { error })
    .openapi({
      example: `${prefix}0123456789abcdef0123456789`,
    });
}

const idShapes = {
  template_unknown: { shape: /^tpl_[0-9a-f]{26}$/, say: 'a template has an id like tpl_0123…' },
  seeds_unknown: { shape: /^seeds_[0-9a-f]{26}$/, say: 'a seed set has an id like seeds_0123…' },
  job_not_found: { shape: /^job_[0-9A-HJKMNP-TV-Z]{26}$/, say: 'a job has an id like job_01K…' },
} as const;

export type UnknownId = keyof typeof idShapes;

/** What the id finds, or the 404 problem; a text that cannot be an id is not looked up. */
export async function found<Item>(
  code: UnknownId,
  id: string,
  look: (id: string) => Promise<Item | null>,
): Promise<Item> {
  const { shape, say } = idShapes[code];
  const item = shape.test(id) ? await look(id) : null;
  if (item !== null) return item;
  const why = shape.test(id) ? 'Nothing is stored under it.' : `It is not an id: ${say}.`;
  throw new Problem(code, { detail: `The id is ${shown(id)}. ${why}` });
}

/** The address's id; its shape is checked where it is looked up, which answers 404. */
export const idParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });

const usd = z.string().openapi({ example: '0.0612', description: 'USD, exact.' });
const at = z.string().openapi({ format: 'date-time' });

export const jobBody = z
  .object({
    id: z.string(),
    object: z.literal('job'),
    status: z.enum(jobStatuses),
    provider: z.enum(['simulator', 'bedrock']).openapi({
      description: 'With "simulator" no model is called and no money is spent.',
    }),
    template: z.object({ id: z.string(), name: z.string() }),
    seeds: z.object({ id: z.string(), rows: z.int() }),
    models: z.record(z.string(), z.string()).openapi({ description: 'The model of each step.' }),
    records: z.object({
      requested: z.int(),
      accepted: z.int(),
      rejected: z.int(),
      failed: z.int(),
      not_started: z.int(),
    }),
    calls: z.int(),
    cost: z.object({
      currency: z.literal('USD'),
      limit: usd,
      spent: usd,
      held: usd,
      unknown: usd,
      available: usd,
    }),
    account_status: z.enum(['active', 'frozen']),
    waiting: z.object({ kind: z.string(), detail: z.string(), since: at }).nullable().openapi({
      description:
        'Why the job is not sending. Kinds: paused, out-of-money, throttled, provider-down, quota, worker-trouble; no-worker and no-temporal, which are not stored and count from when this process noticed.',
    }),
    failure: z.object({ kind: z.string(), message: z.string() }).nullable(),
    warnings: z.array(z.string()),
    progress: z.object({ rate_per_s: z.number().nullable(), eta_s: z.number().nullable() }),
    output: z
      .object({
        manifest_sha256: z.string(),
        files: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string() })),
      })
      .nullable(),
    job_seed: z.int(),
    concurrency: z.int(),
    created_at: at,
    started_at: at.nullable(),
    ended_at: at.nullable(),
    links: z.object({
      self: z.string(),
      events: z.string(),
      download: z.string(),
      temporal_ui: z.string().nullable(),
      docs: z.string(),
    }),
  })
  .openapi('Job');

export type JobBody = z.output<typeof jobBody>;

export const templateBody = z
  .object({
    id: z.string(),
    object: z.literal('template'),
    sha256: z.string(),
    name: z.string(),
    description: z.string(),
    category: z.string(),
    steps: z.array(
      z.object({
        id: z.string(),
        model: z.string().nullable(),
        tier: z.enum(['cheap', 'balanced', 'premium']),
        max_tokens: z.int(),
        needs: z.array(z.string()),
      }),
    ),
    variables: z.array(
      z.object({
        path: z.string(),
        step: z.string(),
        line: z.int(),
        use: z.enum(['required', 'optional']),
      }),
    ),
    warnings: z.array(z.string()),
    created_at: at,
  })
  .openapi('Template');

export type TemplateBody = z.output<typeof templateBody>;

export const seedSetBody = z
  .object({
    id: z.string(),
    object: z.literal('seed_set'),
    sha256: z.string(),
    rows: z.int(),
    bytes: z.int(),
    columns: z.array(
      z.object({
        name: z.string(),
        present: z.int(),
        nulls: z.int(),
        types: z.array(z.string()),
      }),
    ),
    warnings: z.array(z.string()).optional().openapi({
      description: 'What the import changed; only in its own answer.',
    }),
    created_at: at,
  })
  .openapi('SeedSet');

export type SeedSetBody = z.output<typeof seedSetBody>;

/** A JSON response of a route, for its OpenAPI entry. */
export function jsonOf<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

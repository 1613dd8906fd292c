import { z } from 'zod';

/** What the command line reads of the API's answers; fields that it does not use are left alone. */
const records = z.object({
  requested: z.int(),
  accepted: z.int(),
  rejected: z.int(),
  failed: z.int(),
  not_started: z.int(),
});

const cost = z.object({
  limit: z.string(),
  spent: z.string(),
  held: z.string(),
  unknown: z.string(),
  available: z.string(),
});

const waiting = z.object({ kind: z.string(), detail: z.string(), since: z.string() }).nullable();

const pace = z.object({ rate_per_s: z.number().nullable(), eta_s: z.number().nullable() });

/** The part of a job that changes while it runs. */
export const snapshotSchema = z.object({
  status: z.string(),
  records,
  calls: z.int(),
  cost,
  waiting,
  progress: pace,
});

export const jobSchema = z.object({
  id: z.string(),
  ...snapshotSchema.shape,
  provider: z.enum(['simulator', 'bedrock']),
  template: z.object({ id: z.string(), name: z.string() }),
  seeds: z.object({ id: z.string(), rows: z.int() }),
  models: z.record(z.string(), z.string()),
  failure: z.object({ kind: z.string(), message: z.string() }).nullable(),
  warnings: z.array(z.string()),
  output: z
    .object({
      manifest_sha256: z.string(),
      files: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string() })),
    })
    .nullable(),
  job_seed: z.int(),
  concurrency: z.int(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  links: z.object({ temporal_ui: z.string().nullable(), docs: z.string() }),
});

export type JobBody = z.output<typeof jobSchema>;

export const jobListSchema = z.object({
  data: z.array(jobSchema),
  has_more: z.boolean(),
  next: z.string().nullable(),
});

export const templateSchema = z.object({
  id: z.string(),
  name: z.string(),
  steps: z.array(
    z.object({
      id: z.string(),
      model: z.string().nullable(),
      tier: z.enum(['cheap', 'balanced', 'premium']),
      max_tokens: z.int(),
    }),
  ),
  warnings: z.array(z.string()),
});

export type TemplateBody = z.output<typeof templateSchema>;

export const seedSetSchema = z.object({
  id: z.string(),
  rows: z.int(),
  warnings: z.array(z.string()).default([]),
});

export type SeedSetBody = z.output<typeof seedSetSchema>;

export const modelListSchema = z.object({
  price_version: z.string(),
  data: z.array(
    z.object({
      id: z.string(),
      input_usd_per_mtok: z.string(),
      output_usd_per_mtok: z.string(),
      tier: z.enum(['cheap', 'balanced', 'premium']).nullable(),
    }),
  ),
});

export type ModelList = z.output<typeof modelListSchema>;

const reconciled = z.object({
  at: z.string(),
  recovered: z.string(),
  billed: z.string(),
  released: z.string(),
  unknown: z.string(),
  holds: z.object({ examined: z.int(), settled: z.int(), open: z.int() }),
  calls: z.object({ found: z.int(), unanswered: z.int() }),
  log: z.object({
    records: z.int(),
    broken: z.int(),
    newest: z.string().nullable(),
    complete_until: z.string().nullable(),
  }),
  problems: z.array(
    z.object({ hold: z.string().nullable(), kind: z.string(), detail: z.string() }),
  ),
});

export const reconciliationSchema = reconciled.extend({
  job: z.string(),
  account_status: z.string(),
});
export const reconciliationListSchema = z.object({ data: z.array(reconciled) });

export type Reconciliation = z.output<typeof reconciliationSchema>;
/** One that moved money, as the job remembers it. */
export type PastReconciliation = z.output<typeof reconciled>;

export const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  title: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).default([]),
  hint: z.string().nullable().default(null),
});

/** Whether a job will send nothing more, unless somebody raises its limit. */
export function isEnded(status: string): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

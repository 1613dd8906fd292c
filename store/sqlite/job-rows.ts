import { z } from 'zod';
import type { Job } from '#domain/job.ts';
import type { NewJob } from '#store/contract.ts';
import {
  countSchema,
  jobFailureSchema,
  jobSpecSchema,
  jobStatusSchema,
  outputSchema,
  waitingSchema,
  warningsSchema,
} from '#store/schemas.ts';
import type { Database } from './database.ts';

/** A job with what only the store needs of it. */
export interface StoredJob {
  readonly job: Job;
  readonly requestSha256: string | null;
}

export type JobRows = ReturnType<typeof createJobRows>;

/** The jobs' table as the domain's types; runs inside the caller's transaction. */
export function createJobRows(database: Database) {
  const byId = database.prepare('SELECT * FROM jobs WHERE id = ?');
  const byKey = database.prepare('SELECT * FROM jobs WHERE idempotencyKey = ?');
  const insert = database.prepare(
    `INSERT INTO jobs (id, createdAt, status, statusSeq, spec, warnings, accepted, rejected, failed,
       calls, idempotencyKey, requestSha256) VALUES (?, ?, 'validating', 0, ?, ?, 0, 0, 0, 0, ?, ?)`,
  );
  const setStatus = database.prepare(
    `UPDATE jobs SET status = ?, statusSeq = ?, waiting = ?, failure = ?, startedAt = ?, endedAt = ?
     WHERE id = ?`,
  );
  const setWaiting = database.prepare('UPDATE jobs SET waiting = ? WHERE id = ?');
  const setOutput = database.prepare('UPDATE jobs SET output = ? WHERE id = ?');
  return {
    byId: (id: string) => toStored(byId.get(id)),
    byKey: (key: string) => toStored(byKey.get(key)),
    insert: ({ id, createdAt, spec, warnings, idempotency }: NewJob) =>
      insert.run(
        id,
        createdAt,
        JSON.stringify(spec),
        JSON.stringify(warnings),
        idempotency?.key ?? null,
        idempotency?.requestSha256 ?? null,
      ),
    setStatus: (job: Job) =>
      setStatus.run(
        job.status,
        job.statusSeq,
        jsonOrNull(job.waiting),
        jsonOrNull(job.failure),
        job.startedAt,
        job.endedAt,
        job.id,
      ),
    setWaiting: (id: string, waiting: Job['waiting']) => setWaiting.run(jsonOrNull(waiting), id),
    setOutput: (id: string, output: Job['output']) => setOutput.run(jsonOrNull(output), id),
  };
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

const rowSchema = z.object({
  id: z.string(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  status: jobStatusSchema,
  statusSeq: countSchema,
  spec: z.string(),
  warnings: z.string(),
  waiting: z.string().nullable(),
  failure: z.string().nullable(),
  output: z.string().nullable(),
  accepted: countSchema,
  rejected: countSchema,
  failed: countSchema,
  calls: countSchema,
  requestSha256: z.string().nullable(),
});

/** Null where there is no row. */
export function toStored(input: unknown): StoredJob | null {
  if (input === undefined) return null;
  const { accepted, rejected, failed, calls, requestSha256, ...row } = rowSchema.parse(input);
  const job = {
    ...row,
    spec: jobSpecSchema.parse(JSON.parse(row.spec)),
    warnings: warningsSchema.parse(JSON.parse(row.warnings)),
    waiting: parseOrNull(waitingSchema, row.waiting),
    failure: parseOrNull(jobFailureSchema, row.failure),
    output: parseOrNull(outputSchema, row.output),
    progress: { accepted, rejected, failed, calls },
  };
  return { job, requestSha256 };
}

function parseOrNull<Value>(schema: z.ZodType<Value>, text: string | null): Value | null {
  return text === null ? null : schema.parse(JSON.parse(text));
}

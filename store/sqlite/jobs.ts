import { z } from 'zod';
import {
  furtherOf,
  isEnded,
  type Job,
  mayReplace,
  noProgress,
  type Progress,
} from '#domain/job.ts';
import type { JobCreation, Jobs, NewJob, StatusChange, StatusOutcome } from '#store/contract.ts';
import { pageOf, readCursor, rowsToRead } from '#store/cursor.ts';
import { decideStatus } from '#store/job-status.ts';
import { countSchema } from '#store/schemas.ts';
import type { Database } from './database.ts';
import { createJobRows, type JobRows, toStored } from './job-rows.ts';

/** Jobs by id, by idempotency key and by age; a change of a job that does not exist rejects. */
export function createJobs(database: Database): Jobs {
  const rows = createJobRows(database);
  const replaceBatch = createBatchReplacement(database);
  return {
    create: (job) => database.write(() => create(rows, job)),
    get: (id) => database.read(() => rows.byId(id)?.job ?? null),
    list: createList(database),
    changeStatus: (id, change) => database.write(() => changeStatus(rows, id, change)),
    setWaiting: (id, waiting) =>
      database.write(() => {
        const job = existing(rows, id);
        // A late worker's word about a job that has ended would say that it still waits.
        if (!isEnded(job.status)) rows.setWaiting(id, waiting);
      }),
    recordBatch: (id, batch, progress) =>
      database.write(() => {
        if (replaceBatch(id, batch, progress) === 0) throw unknownJob(id);
      }),
    setOutput: (id, output) =>
      database.write(() => {
        if (mayReplace(existing(rows, id).output, output)) rows.setOutput(id, output);
      }),
  };
}

function create(rows: JobRows, asked: NewJob): JobCreation {
  const { idempotency } = asked;
  const sameKey = idempotency === null ? null : rows.byKey(idempotency.key);
  if (sameKey !== null) {
    const isSame = sameKey.requestSha256 === idempotency?.requestSha256;
    return { kind: isSame ? 'existing' : 'mismatch', job: sameKey.job };
  }
  const sameId = rows.byId(asked.id);
  if (sameId !== null) return { kind: 'existing', job: sameId.job };
  rows.insert(asked);
  return { kind: 'created', job: existing(rows, asked.id) };
}

function existing(rows: JobRows, id: string): Job {
  const stored = rows.byId(id);
  if (stored === null) throw unknownJob(id);
  return stored.job;
}

function unknownJob(id: string): Error {
  return new Error(`job "${id}" does not exist in this store; create it first`);
}

function changeStatus(rows: JobRows, id: string, change: StatusChange): StatusOutcome {
  const job = existing(rows, id);
  const decision = decideStatus(job, change);
  switch (decision.kind) {
    case 'change':
      rows.setStatus(decision.job);
      return { kind: 'done', job: decision.job };
    case 'repeated':
      return { kind: 'done', job };
    case 'refused':
      return { kind: 'refused', job };
  }
}

/** Sorts after every time and id: the first page starts before it. */
const newest = ['~', '~'];

function createList(database: Database): Jobs['list'] {
  const order = 'AND (createdAt, id) < (?, ?) ORDER BY createdAt DESC, id DESC LIMIT ?';
  const all = database.prepare(`SELECT * FROM jobs WHERE true ${order}`);
  const withStatus = database.prepare(`SELECT * FROM jobs WHERE status = ? ${order}`);
  return (query) =>
    database.read(() => {
      const after = readCursor(query.after, 2) ?? newest;
      const range = [...after, rowsToRead(query)];
      const rows =
        query.status === null ? all.all(...range) : withStatus.all(query.status, ...range);
      const jobs = rows.map((row) => toStored(row)?.job).filter((job) => job !== undefined);
      return pageOf(jobs, query.limit, (job) => [job.createdAt, job.id]);
    });
}

const progressSchema = z.object({
  accepted: countSchema,
  rejected: countSchema,
  failed: countSchema,
  calls: countSchema,
}) satisfies z.ZodType<Progress>;

/** Stores a batch's further progress and moves the job's sum by the difference; answers how many jobs moved. */
function createBatchReplacement(database: Database) {
  const select = database.prepare('SELECT * FROM batches WHERE job = ? AND batch = ?');
  const replace = database.prepare('INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?)');
  const move = database.prepare(
    `UPDATE jobs SET accepted = accepted + ?, rejected = rejected + ?, failed = failed + ?,
       calls = calls + ? WHERE id = ?`,
  );
  return (id: string, batch: string, progress: Progress): number => {
    const before = progressSchema.parse(select.get(id, batch) ?? noProgress);
    const further = furtherOf(before, progressSchema.parse(progress));
    const { accepted, rejected, failed, calls } = further;
    replace.run(id, batch, accepted, rejected, failed, calls);
    return move.run(
      accepted - before.accepted,
      rejected - before.rejected,
      failed - before.failed,
      calls - before.calls,
      id,
    );
  };
}

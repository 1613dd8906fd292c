import { assert } from '#domain/assert.ts';
import { batchKey } from '#domain/plan.ts';
import type { Store } from '#store/contract.ts';
import type { BatchInput, BatchResult } from './contract.ts';
import type { JobContext } from './job-context.ts';
import { decodePart, encodePart, type PartLine, partKey } from './part.ts';

export type FinishedBatch = Extract<BatchResult, { kind: 'finished' }>;

/** The result of a batch whose part stands already, or null. A damaged part is removed, to be made again. */
export async function finishedPart(
  store: Store,
  job: JobContext,
  input: Pick<BatchInput, 'batch' | 'size'>,
): Promise<FinishedBatch | null> {
  const batch = batchKey(input.batch);
  const key = partKey(job.jobId, batch);
  const bytes = await store.objects.get(key);
  if (bytes === null) return null;
  const part = decodePart(bytes);
  if (part === null || part.lines.length !== input.size) {
    await store.objects.delete(key);
    return null;
  }
  const { accepted, rejected, failed } = part;
  const attempts = await store.journal.read(job.jobId, batch);
  const calls = attempts.reduce((sum, { entries }) => sum + entries.length, 0);
  await store.jobs.recordBatch(job.jobId, batch, { accepted, rejected, failed, calls });
  return { kind: 'finished', batch: input.batch, accepted, rejected, failed, isLent: false };
}

/**
 * Puts the batch's part unless another attempt did, and answers with the counts of the part that stands:
 * two attempts that overlap both end with the same one.
 */
export async function putPart(
  store: Store,
  job: JobContext,
  input: Pick<BatchInput, 'batch' | 'size'>,
  lines: readonly PartLine[],
): Promise<FinishedBatch> {
  assert(
    lines.length === input.size,
    `batch ${input.batch} has ${lines.length} of ${input.size} lines`,
  );
  await store.objects.putIfAbsent(partKey(job.jobId, batchKey(input.batch)), encodePart(lines));
  const finished = await finishedPart(store, job, input);
  if (finished !== null) return finished;
  throw new Error(`the part of batch ${input.batch} was put and cannot be read back`);
}

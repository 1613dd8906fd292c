/** How a job's calls in flight are divided among its batches. */
import { assert } from './assert.ts';

/**
 * Calls that the next batch to be launched may have in flight, or 0 when no batch may be launched now.
 * What is free is shared evenly among the batches that could still be launched beside it, the remainder
 * going to the first ones: launching until the answer is 0 uses all of `concurrency` and never more, and
 * at a job's tail fewer batches take larger shares.
 */
export function nextAllotment(state: {
  /** Calls in flight that the job may have over all workers. */
  readonly concurrency: number;
  /** The sum of the allotments of all batches in flight. */
  readonly inUse: number;
  /** Places left in the window. */
  readonly freeSlots: number;
  /** Batches that wait to be launched. */
  readonly remainingBatches: number;
}): number {
  const { concurrency, inUse, freeSlots, remainingBatches } = state;
  assert(inUse <= concurrency, `${inUse} calls are allotted of ${concurrency}`);
  const free = concurrency - inUse;
  const launchable = Math.min(freeSlots, remainingBatches);
  if (free === 0 || launchable <= 0) return 0;
  return Math.ceil(free / launchable);
}

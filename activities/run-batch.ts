/** A batch as a program over its records: the same with answers from the journal and from the provider. */
import { seedRowOf } from '#domain/plan.ts';
import { rowSha256 } from '#seeds/read-seeds.ts';
import type { BatchInput } from './contract.ts';
import { type EarlierAnswers, promptSha256 } from './earlier-answers.ts';
import type { JobContext } from './job-context.ts';
import { inOrder, type PartLine, partLine } from './part.ts';
import { type Ask, type RecordInput, type RecordOutcome, runRecord } from './record-program.ts';

export interface BatchRun {
  readonly job: JobContext;
  readonly range: Pick<BatchInput, 'start' | 'size'>;
  readonly ask: Ask;
  /** Records that run beside each other at most. */
  readonly recordsInFlight: number;
  /** No further record is begun once this is true. */
  readonly isStopped: () => boolean;
  readonly onOutcome: (outcome: RecordOutcome) => void;
  /** A record could not be run, for instance because its seed row cannot be read. */
  readonly onError?: () => void;
}

/**
 * Resolves when every record that was begun has an outcome; those not begun have none. Rejects with the
 * first error of a record, and not before the records beside it have come to their end.
 */
export async function runBatch(run: BatchRun): Promise<void> {
  const end = run.range.start + run.range.size;
  let next = run.range.start;
  const errors: unknown[] = [];
  async function runLane(): Promise<void> {
    while (next < end && errors.length === 0 && !run.isStopped()) {
      const index = next;
      next += 1;
      try {
        run.onOutcome(await runRecord(run.job, await recordInput(run.job, index), run.ask));
      } catch (error) {
        errors.push(error);
        run.onError?.();
      }
    }
  }
  const lanes = Math.min(run.recordsInFlight, run.range.size);
  await Promise.all(Array.from({ length: lanes }, runLane));
  if (errors.length > 0) throw errors[0];
}

async function recordInput(job: JobContext, index: number): Promise<RecordInput> {
  const { seeds, jobSeed } = job.spec;
  const rowIndex = seedRowOf(index, seeds.rows, jobSeed);
  const row = await job.seeds.rowAt(rowIndex);
  return { index, row, rowIndex, rowSha256: rowSha256(row) };
}

/** Renderings under way at once: enough to keep the sandbox busy. */
const replayedInFlight = 16;

/** The lines of every record that the journal alone can finish, in order, and how many it cannot. */
export async function replayBatch(
  job: JobContext,
  range: Pick<BatchInput, 'start' | 'size'>,
  earlier: EarlierAnswers,
): Promise<{ readonly lines: readonly PartLine[]; readonly notStarted: number }> {
  const lines: PartLine[] = [];
  await runBatch({
    job,
    range,
    recordsInFlight: replayedInFlight,
    isStopped: () => false,
    onOutcome: (outcome) => {
      const line = partLine(job, outcome);
      if (line !== null) lines.push(line);
    },
    ask: async (question) => {
      const paid = earlier.find(question, promptSha256(question));
      return paid === null ? { kind: 'not-started' } : { kind: 'answered', paid };
    },
  });
  return { lines: inOrder(lines), notStarted: range.size - lines.length };
}

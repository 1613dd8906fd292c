import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { jobCannotRun, type JobInput, retryLater } from './contract.ts';
import type { ProgressReports } from './progress-report.ts';

/** Failures that say themselves what they mean: planned returns, and the end of the job. */
const spoken: ReadonlySet<string> = new Set([
  retryLater.providerDown,
  retryLater.workerDraining,
  retryLater.holdLost,
  jobCannotRun,
]);

/**
 * The activity, and when it fails for a reason of this machine, a word about it in its job: Temporal tries
 * again for as long as it takes, and meanwhile the job must not look merely idle.
 */
export function explained<Input extends JobInput, Result>(
  reports: ProgressReports,
  activity: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    try {
      return await activity(input);
    } catch (error) {
      if (isTrouble(error)) await say(reports, input.jobId, error);
      throw error;
    }
  };
}

function isTrouble(error: unknown): boolean {
  if (error instanceof CancelledFailure) return false;
  return !(error instanceof ApplicationFailure && spoken.has(error.type ?? ''));
}

async function say(reports: ProgressReports, jobId: string, error: unknown): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const detail = `A worker could not go on, and tries again: ${reason}`;
  // A store that cannot be written is often the trouble itself; the failure stands in Temporal all the same.
  await reports.waiting(jobId, 'worker-trouble', detail).catch(() => undefined);
}

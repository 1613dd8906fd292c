/** The activities as the workflows call them, with their time-outs and retries. */
import type { RetryPolicy } from '@temporalio/common';
import {
  ActivityFailure,
  type ActivityOptions,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities, jobCannotRun as contracted } from '#activities/contract.ts';

/** As the activities' contract spells it: workflows take only types from there, so the compiler compares. */
export const jobCannotRun: typeof contracted = 'JobCannotRun';

/** A lost worker is normal, so attempts are not counted: a failure waits at most half a minute. */
const retry: RetryPolicy = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '30s',
  nonRetryableErrorTypes: [jobCannotRun],
};

export const activities = proxyActivities<Omit<Activities, 'changeStatus'>>({
  // A long throttle or outage is spent inside an attempt, and an export reads every part of a job.
  startToCloseTimeout: '6h',
  heartbeatTimeout: '60s',
  retry,
});

/**
 * A status is one short write that may be repeated: done inside the workflow task, it costs the history
 * one event instead of six.
 */
export const localActivities = proxyLocalActivities<Pick<Activities, 'changeStatus'>>({
  startToCloseTimeout: '60s',
  retry,
});

/**
 * A batch beats every second; one that is silent this long is given to another worker. One that is called
 * back is in flight until it says so: its answers on the wire are still to be paid, and the job that says
 * that it is paused must not send.
 */
export function batchOptions(heartbeatTimeoutMs: number): ActivityOptions {
  return {
    startToCloseTimeout: '6h',
    heartbeatTimeout: heartbeatTimeoutMs,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry,
  };
}

/**
 * Whether a batch ended because it was called back. An attempt that was lost or gave up meanwhile is not
 * tried again by the server, whatever became of it.
 */
export function isCalledBack(error: unknown): boolean {
  if (isCancellation(error)) return true;
  return error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED';
}

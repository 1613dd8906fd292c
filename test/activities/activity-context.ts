import { asyncLocalStorage, Context, type Info } from '@temporalio/activity';
import { ActivityCancellationDetails, CancelledFailure, noopMetricMeter } from '@temporalio/common';

/** Runs the work as an activity whose cancellation is requested when the signal aborts. */
export function inActivity<Result>(
  work: () => Promise<Result>,
  cancel: AbortSignal = new AbortController().signal,
  attempt = 1,
): Promise<Result> {
  const cancelled = new Promise<never>((_resolve, reject) => {
    const onAbort = () => {
      holder.details = new ActivityCancellationDetails({ cancelRequested: true });
      reject(new CancelledFailure('CANCELLED'));
    };
    cancel.addEventListener('abort', onAbort, { once: true });
  });
  // Nobody has to wait for it.
  cancelled.catch(() => undefined);
  const holder: { details?: ActivityCancellationDetails } = {};
  if (cancel.aborted) holder.details = new ActivityCancellationDetails({ cancelRequested: true });
  const context = new Context(
    // The engine reads nothing else of it.
    { attempt } as Info,
    cancelled,
    cancel,
    ignore,
    undefined,
    silentLogger,
    noopMetricMeter,
    holder,
  );
  return asyncLocalStorage.run(context, work);
}

const ignore = (): void => undefined;
const silentLogger = {
  log: ignore,
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
};

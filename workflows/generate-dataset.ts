/** One dataset job, from its plan to its delivered files. Moved only by input, signals and results. */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import type { BatchResult } from '#activities/contract.ts';
import { batchRange } from '#domain/plan.ts';
import { activities, batchOptions, isCalledBack, jobCannotRun } from './activities.ts';
import type { DatasetInput, DatasetResult, Plan } from './contract.ts';
import { breachMessage, cancelJob, cancelUnplanned, deliver, fail, finish } from './end-job.ts';
import {
  batchFinished,
  batchOutOfMoney,
  batchUndone,
  landed,
  launched,
  moneyRaised,
  nextAction,
  waitingBatches,
} from './next-action.ts';
import { beginRun, carryOf, changeStatus, receiveSignals, type Run, setStatus } from './run.ts';

/** Events of one run at most, before the run is drained and a new one begins. */
const historyEventsMax = 3_000;

export async function generateDataset(input: DatasetInput): Promise<DatasetResult> {
  const controls = receiveSignals(input);
  const progress = { statusSeq: input.carry?.statusSeq ?? 0 };
  try {
    const plan = await planOf(input, progress);
    const run = beginRun(input, controls, plan, progress.statusSeq);
    try {
      return await runJob(run);
    } catch (error) {
      if (!isCancellation(error)) throw error;
      return await CancellationScope.nonCancellable(() => cancelJob(run));
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return await CancellationScope.nonCancellable(() => cancelUnplanned(input, progress.statusSeq));
  }
}

async function planOf(input: DatasetInput, progress: { statusSeq: number }): Promise<Plan> {
  if (input.carry !== undefined) return input.carry.plan;
  const { jobId } = input;
  const planned = await activities.planJob({ jobId });
  if (planned.kind === 'planned') {
    await changeStatus(progress, jobId, 'running');
    return planned.plan;
  }
  const failure = { kind: 'internal' as const, message: planned.message };
  await changeStatus(progress, jobId, 'failed', { failure });
  throw ApplicationFailure.create({
    type: jobCannotRun,
    message: planned.message,
    nonRetryable: true,
  });
}

/** The loop: one decision, then what it asks for. */
async function runJob(run: Run): Promise<DatasetResult> {
  run.display.show('running', run.state, run.counts);
  for (;;) {
    takeControls(run);
    const action = nextAction(run.state);
    switch (action.kind) {
      case 'launch':
        launch(run, action.batch, action.concurrency);
        break;
      case 'wait':
        await changed(run);
        break;
      case 'call-back':
        run.scope.cancel();
        await condition(() => run.state.inFlight === 0);
        run.scope = new CancellationScope();
        break;
      case 'rest':
        await rest(run, action.reason);
        break;
      case 'continue-as-new':
        return await continueAsNew<typeof generateDataset>({ ...run.input, carry: carryOf(run) });
      case 'finish': {
        const result = await finish(run);
        if (result !== null) return result;
        break;
      }
      case 'fail':
        return await fail(run, run.state.fatal ?? 'unknown');
    }
  }
}

/** What signals asked for since the last look; handlers only note it, the loop acts. */
function takeControls(run: Run): void {
  const { state, controls } = run;
  state.isPaused = controls.isPaused;
  state.window = Math.min(controls.window ?? state.plan.window, state.plan.concurrency);
  if (controls.limitChanges > run.limitChangesSeen) moneyRaised(state);
  run.limitChangesSeen = controls.limitChanges;
  state.isHistoryLong =
    workflowInfo().historyLength > historyEventsMax || workflowInfo().continueAsNewSuggested;
}

/** Waits until a batch has landed or a signal has come. */
async function changed(run: Run): Promise<void> {
  const { state, controls } = run;
  const { inFlight, isPaused } = state;
  const window = controls.window;
  await condition(
    () =>
      state.inFlight !== inFlight ||
      controls.isPaused !== isPaused ||
      controls.limitChanges !== run.limitChangesSeen ||
      controls.window !== window,
  );
}

function launch(run: Run, batch: number, concurrency: number): void {
  const wasIdle = run.state.inFlight === 0;
  const { limitChanges } = run.controls;
  launched(run.state, concurrency);
  const { startedInRun } = run.state;
  // Alone from start to end, and judged by the limit that stands: what it lacked nobody else held.
  const wasAlone = () =>
    wasIdle &&
    run.state.startedInRun === startedInRun &&
    run.controls.limitChanges === limitChanges;
  // Never rejects: whatever happens to a batch ends as a change of the state that the loop waits for.
  void run.scope
    .run(() => startBatch(run, batch, concurrency))
    .then(
      (result) => {
        take(run, result, wasAlone());
        return result.kind === 'finished' && result.isLent ? 0 : concurrency;
      },
      (error: unknown) => {
        takeError(run, batch, error);
        return concurrency;
      },
    )
    .then((returned) => {
      landed(run.state, returned);
      run.display.show('running', run.state, run.counts);
    });
}

function startBatch(run: Run, batch: number, concurrency: number): Promise<BatchResult> {
  const { plan, window } = run.state;
  const { start, size } = batchRange(plan, batch);
  const { jobId, settings } = run.input;
  const waiting = waitingBatches(run.state);
  const input = { jobId, batch, start, size, concurrency, waiting, window };
  const summary = `records ${start} to ${start + size - 1}`;
  return activities.generateBatch.executeWithOptions(
    { ...batchOptions(settings.heartbeatTimeoutMs), summary },
    [input],
  );
}

function take(run: Run, result: BatchResult, wasAlone: boolean): void {
  const { state, counts } = run;
  switch (result.kind) {
    case 'finished':
      counts.accepted += result.accepted;
      counts.rejected += result.rejected;
      counts.failed += result.failed;
      return batchFinished(state);
    case 'out-of-money':
      return batchOutOfMoney(state, result.batch, wasAlone);
    case 'handed-back':
      return batchUndone(state, result.batch);
    case 'frozen':
      batchUndone(state, result.batch);
      state.fatal ??= breachMessage;
  }
}

function takeError(run: Run, batch: number, error: unknown): void {
  batchUndone(run.state, batch);
  if (isCalledBack(error)) return;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  run.state.fatal ??= cause instanceof Error ? cause.message : String(cause);
}

/** Paused or out of money: a state, not an end. Says so, and waits for a signal. */
async function rest(run: Run, reason: 'paused' | 'out-of-money'): Promise<void> {
  const { state, controls } = run;
  if (reason === 'paused') {
    await setStatus(run, 'paused', { waiting: { kind: 'paused', detail: pausedDetail } });
    await condition(() => !controls.isPaused);
  } else {
    await deliver(run, 'budget_exhausted');
    await setStatus(run, 'budget_exhausted', {
      waiting: { kind: 'out-of-money', detail: outOfMoneyDetail },
    });
    await condition(() => isMoneyChanged(run) || controls.isPaused);
  }
  // Paused while out of money, or resumed without a new limit: the loop finds the other reason.
  if (state.isExhausted && !isMoneyChanged(run)) return;
  await setStatus(run, 'running', {});
}

function isMoneyChanged(run: Run): boolean {
  return run.controls.limitChanges !== run.limitChangesSeen;
}

const pausedDetail = 'Paused on request; resume to go on.';
const outOfMoneyDetail =
  'What is left of the limit is less than one call could cost; raise the limit to go on.';

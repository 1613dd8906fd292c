/** One dataset job, from its plan to its delivered files. Moved only by input, signals and results. */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { BatchResult } from '#activities/contract.ts';
import type { JobStatus } from '#domain/job.ts';
import { batchRange } from '#domain/plan.ts';
import {
  activities,
  batchOptions,
  isCalledBack,
  jobCannotRun,
  localActivities,
} from './activities.ts';
import {
  type DatasetCarry,
  type DatasetInput,
  type DatasetResult,
  type Plan,
  signals,
} from './contract.ts';
import { createDisplay, type Display } from './display.ts';
import {
  batchFinished,
  batchOutOfMoney,
  batchUndone,
  type JobState,
  landed,
  launched,
  moneyRaised,
  nextAction,
  waitingBatches,
} from './next-action.ts';

const pauseSignal = defineSignal(signals.pause);
const resumeSignal = defineSignal(signals.resume);
const setLimitSignal = defineSignal<[string]>(signals.setLimit);
const setWindowSignal = defineSignal<[number]>(signals.setWindow);

/** Events of one run at most, before the run is drained and a new one begins. */
const historyEventsMax = 3_000;

/** What signals change; kept apart from the job's state, because a signal may come before the plan. */
interface Controls {
  isPaused: boolean;
  window: number | null;
  /** Counts changes of the limit. */
  limitChanges: number;
}

interface Run {
  readonly input: DatasetInput;
  readonly controls: Controls;
  readonly state: JobState;
  readonly display: Display;
  readonly counts: { accepted: number; rejected: number; failed: number };
  statusSeq: number;
  exports: number;
  limitChangesSeen: number;
  /** The batches in flight, to be called back together. */
  scope: CancellationScope;
}

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

function receiveSignals(input: DatasetInput): Controls {
  const controls: Controls = {
    isPaused: input.carry?.isPaused ?? false,
    window: input.carry?.window ?? null,
    limitChanges: 0,
  };
  setHandler(pauseSignal, () => void (controls.isPaused = true), {
    description: 'Stop sending; answers on the way are awaited and paid.',
  });
  setHandler(resumeSignal, () => void (controls.isPaused = false), {
    description: 'Send again.',
  });
  setHandler(setLimitSignal, () => void (controls.limitChanges += 1), {
    description: 'The limit was changed in the ledger: look again whether there is money.',
  });
  setHandler(setWindowSignal, (window) => void (controls.window = Math.max(1, window)), {
    description: 'How many batches may be in flight.',
  });
  return controls;
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

function beginRun(input: DatasetInput, controls: Controls, plan: Plan, statusSeq: number): Run {
  const { carry } = input;
  const window = Math.min(controls.window ?? plan.window, plan.concurrency);
  const state: JobState = {
    plan,
    next: carry?.next ?? 0,
    redo: [...(carry?.redo ?? [])],
    finishedBatches: carry?.finished.batches ?? 0,
    inFlight: 0,
    callsAllotted: 0,
    window,
    moneyWindow: window,
    isPaused: controls.isPaused,
    isExhausted: false,
    fatal: null,
    startedInRun: 0,
    isHistoryLong: false,
  };
  const { accepted = 0, rejected = 0, failed = 0 } = carry?.finished ?? {};
  const counts = { accepted, rejected, failed };
  return {
    input,
    controls,
    state,
    counts,
    display: createDisplay(plan),
    statusSeq,
    exports: carry?.exports ?? 0,
    limitChangesSeen: 0,
    scope: new CancellationScope(),
  };
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

const breachMessage =
  'An answer was billed above the most its call could cost: the account is frozen and nothing more is sent. Compare the provider’s bill with provenance.jsonl.';

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

async function finish(run: Run): Promise<DatasetResult | null> {
  await setStatus(run, 'finalizing', {});
  const exported = await deliver(run, 'completed');
  if (exported.damaged.length > 0) {
    // Their answers are lost to a damaged disk: made again, as any batch that came back undone.
    run.state.finishedBatches -= exported.damaged.length;
    for (const batch of exported.damaged) batchUndone(run.state, batch);
    await setStatus(run, 'running', {});
    return null;
  }
  await setStatus(run, 'completed', {});
  return resultOf('completed', exported);
}

async function fail(run: Run, message: string): Promise<DatasetResult> {
  const kind = message === breachMessage ? ('breach' as const) : ('internal' as const);
  const exported = await deliver(run, 'failed');
  await setStatus(run, 'failed', { failure: { kind, message } });
  return resultOf('failed', exported);
}

/** What is there is delivered: every answer that was paid for can be read. */
async function cancelJob(run: Run): Promise<DatasetResult> {
  await condition(() => run.state.inFlight === 0);
  await setStatus(run, 'cancelling', {});
  const exported = await deliver(run, 'cancelled');
  await setStatus(run, 'cancelled', {});
  return resultOf('cancelled', exported);
}

async function cancelUnplanned(input: DatasetInput, statusSeq: number): Promise<DatasetResult> {
  const progress = { statusSeq };
  await changeStatus(progress, input.jobId, 'cancelling');
  await changeStatus(progress, input.jobId, 'cancelled');
  return {
    status: 'cancelled',
    accepted: 0,
    rejected: 0,
    failed: 0,
    notStarted: 0,
    spent: '0.00',
    manifestSha256: null,
  };
}

type Delivered = Awaited<ReturnType<typeof activities.exportDataset>> & { readonly spent: string };

async function deliver(
  run: Run,
  status: 'completed' | 'failed' | 'cancelled' | 'budget_exhausted',
): Promise<Delivered> {
  const { jobId } = run.input;
  const { spent } = await activities.settleAccount({ jobId });
  run.exports += 1;
  const { plan } = run.state;
  const exported = await activities.exportDataset({ jobId, plan, number: run.exports, status });
  return { ...exported, spent };
}

function resultOf(status: DatasetResult['status'], exported: Delivered): DatasetResult {
  const { accepted, rejected, failed, notStarted, spent, manifestSha256 } = exported;
  return { status, accepted, rejected, failed, notStarted, spent, manifestSha256 };
}

interface StatusReasons {
  readonly waiting?: { readonly kind: 'paused' | 'out-of-money'; readonly detail: string };
  readonly failure?: { readonly kind: 'internal' | 'breach'; readonly message: string };
}

async function setStatus(run: Run, to: JobStatus, reasons: StatusReasons): Promise<void> {
  run.display.show(to, run.state, run.counts);
  await changeStatus(run, run.input.jobId, to, reasons);
}

async function changeStatus(
  progress: { statusSeq: number },
  jobId: string,
  to: JobStatus,
  { waiting, failure }: StatusReasons = {},
): Promise<void> {
  progress.statusSeq += 1;
  const seq = progress.statusSeq;
  await localActivities.changeStatus({
    jobId,
    to,
    seq,
    waiting: waiting ?? null,
    failure: failure ?? null,
  });
}

/** Everything the next run needs, as plain JSON. */
function carryOf(run: Run): DatasetCarry {
  const { state, counts, controls } = run;
  return {
    plan: state.plan,
    next: state.next,
    redo: state.redo,
    finished: { batches: state.finishedBatches, ...counts },
    isPaused: controls.isPaused,
    window: controls.window ?? state.plan.window,
    statusSeq: run.statusSeq,
    exports: run.exports,
  };
}

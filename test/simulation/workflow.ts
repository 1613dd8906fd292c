/** The part of workflows/generate-dataset.ts: its decisions are the real ones, its waiting is virtual. */
import type { BatchResult, ExportResult } from '#activities/contract.ts';
import type { JobStatus } from '#domain/job.ts';
import { batchRange } from '#domain/plan.ts';
import type { Plan } from '#workflows/contract.ts';
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
} from '#workflows/next-action.ts';
import { Cancelled, type Server } from './server.ts';
import { jobId } from './workload.ts';

export type Outcome = 'completed' | 'failed' | 'cancelled';

/** What people change while the job runs. */
export interface Controls {
  isPaused: boolean;
  isCancelled: boolean;
  limitChanges: number;
}

export interface Workflow {
  readonly controls: Controls;
  /** Lets the workflow look at its controls. */
  wake(): void;
  status(): JobStatus;
  run(): Promise<Outcome>;
}

interface Run {
  readonly server: Server;
  readonly state: JobState;
  readonly controls: Controls;
  readonly onStatus: (status: JobStatus) => void;
  status: JobStatus;
  statusSeq: number;
  exports: number;
  limitChangesSeen: number;
  scope: AbortController;
  wakers: (() => void)[];
}

export function createWorkflow(
  server: Server,
  plan: Plan,
  onStatus: (status: JobStatus) => void,
): Workflow {
  const run: Run = {
    server,
    state: stateOf(plan),
    controls: { isPaused: false, isCancelled: false, limitChanges: 0 },
    onStatus,
    status: 'validating',
    statusSeq: 0,
    exports: 0,
    limitChangesSeen: 0,
    scope: new AbortController(),
    wakers: [],
  };
  return {
    controls: run.controls,
    wake: () => wake(run),
    status: () => run.status,
    run: () => runJob(run),
  };
}

function stateOf(plan: Plan): JobState {
  return {
    plan,
    next: 0,
    redo: [],
    finishedBatches: 0,
    inFlight: 0,
    callsAllotted: 0,
    window: plan.window,
    moneyWindow: plan.window,
    isPaused: false,
    isExhausted: false,
    fatal: null,
    startedInRun: 0,
    isHistoryLong: false,
  };
}

function wake(run: Run): void {
  const wakers = run.wakers;
  run.wakers = [];
  for (const waker of wakers) waker();
}

function changed(run: Run): Promise<void> {
  return new Promise((resolve) => run.wakers.push(resolve));
}

async function until(run: Run, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await changed(run);
}

async function runJob(run: Run): Promise<Outcome> {
  const { state, controls } = run;
  await setStatus(run, 'running');
  for (;;) {
    if (controls.isCancelled) return await cancelJob(run);
    state.isPaused = controls.isPaused;
    if (controls.limitChanges > run.limitChangesSeen) moneyRaised(state);
    run.limitChangesSeen = controls.limitChanges;
    const action = nextAction(state);
    switch (action.kind) {
      case 'launch':
        launch(run, action.batch, action.concurrency);
        break;
      case 'wait':
        await changed(run);
        break;
      case 'call-back':
        await callBack(run);
        break;
      case 'rest':
        await rest(run, action.reason);
        break;
      case 'finish':
        if (await finish(run)) return 'completed';
        break;
      case 'fail':
        await deliver(run, 'failed');
        await setStatus(run, 'failed');
        return 'failed';
      case 'continue-as-new':
        throw new Error('no simulated job is so long');
    }
  }
}

async function callBack(run: Run): Promise<void> {
  run.scope.abort(new Error('called back'));
  await until(run, () => run.state.inFlight === 0);
  run.scope = new AbortController();
}

function launch(run: Run, batch: number, concurrency: number): void {
  const { state, controls } = run;
  const wasIdle = state.inFlight === 0;
  const { limitChanges } = controls;
  launched(state, concurrency);
  const { startedInRun } = state;
  const wasAlone = () =>
    wasIdle && state.startedInRun === startedInRun && controls.limitChanges === limitChanges;
  const { start, size } = batchRange(state.plan, batch);
  const waiting = waitingBatches(state);
  const input = { jobId, batch, start, size, concurrency, waiting, window: state.window };
  void run.server
    .execute('generateBatch', input, run.scope.signal)
    .then(
      (result) => {
        take(state, result, wasAlone());
        return result.kind === 'finished' && result.isLent ? 0 : concurrency;
      },
      (error: unknown) => {
        batchUndone(state, batch);
        if (!(error instanceof Cancelled)) state.fatal ??= String(error);
        return concurrency;
      },
    )
    .then((returned) => {
      landed(state, returned);
      wake(run);
    });
}

function take(state: JobState, result: BatchResult, wasAlone: boolean): void {
  switch (result.kind) {
    case 'finished':
      return batchFinished(state);
    case 'out-of-money':
      return batchOutOfMoney(state, result.batch, wasAlone);
    case 'handed-back':
      return batchUndone(state, result.batch);
    case 'frozen':
      batchUndone(state, result.batch);
      state.fatal ??= 'breach';
  }
}

async function rest(run: Run, reason: 'paused' | 'out-of-money'): Promise<void> {
  const { controls, state } = run;
  const isMoneyChanged = () => controls.limitChanges !== run.limitChangesSeen;
  if (reason === 'paused') {
    await setStatus(run, 'paused');
    await until(run, () => !controls.isPaused || controls.isCancelled);
  } else {
    await deliver(run, 'budget_exhausted');
    await setStatus(run, 'budget_exhausted');
    await until(run, () => isMoneyChanged() || controls.isPaused || controls.isCancelled);
  }
  if (controls.isCancelled || (state.isExhausted && !isMoneyChanged())) return;
  await setStatus(run, 'running');
}

async function finish(run: Run): Promise<boolean> {
  const { state } = run;
  await setStatus(run, 'finalizing');
  const { damaged } = await deliver(run, 'completed');
  if (damaged.length === 0) {
    await setStatus(run, 'completed');
    return true;
  }
  state.finishedBatches -= damaged.length;
  for (const batch of damaged) batchUndone(state, batch);
  await setStatus(run, 'running');
  return false;
}

async function cancelJob(run: Run): Promise<Outcome> {
  await callBack(run);
  await setStatus(run, 'cancelling');
  await deliver(run, 'cancelled');
  await setStatus(run, 'cancelled');
  return 'cancelled';
}

async function deliver(
  run: Run,
  status: 'completed' | 'failed' | 'cancelled' | 'budget_exhausted',
): Promise<ExportResult> {
  await run.server.execute('settleAccount', { jobId });
  run.exports += 1;
  const input = { jobId, plan: run.state.plan, number: run.exports, status };
  return await run.server.execute('exportDataset', input);
}

async function setStatus(run: Run, to: JobStatus): Promise<void> {
  run.statusSeq += 1;
  const seq = run.statusSeq;
  await run.server.execute('changeStatus', { jobId, to, seq, waiting: null, failure: null });
  run.status = to;
  run.onStatus(to);
}

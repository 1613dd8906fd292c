/** A job's workflow between two decisions: what signals asked for, how far it is, what a next run needs. */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import type { JobStatus } from '#domain/job.ts';
import { localActivities } from './activities.ts';
import { type DatasetCarry, type DatasetInput, type Plan, signals } from './contract.ts';
import { createDisplay, type Display } from './display.ts';
import type { JobState } from './next-action.ts';

const pauseSignal = defineSignal(signals.pause);
const resumeSignal = defineSignal(signals.resume);
const setLimitSignal = defineSignal<[string]>(signals.setLimit);
const setWindowSignal = defineSignal<[number]>(signals.setWindow);

/** What signals change; kept apart from the job's state, because a signal may come before the plan. */
export interface Controls {
  isPaused: boolean;
  window: number | null;
  /** Counts changes of the limit. */
  limitChanges: number;
}

export interface Run {
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

export function receiveSignals(input: DatasetInput): Controls {
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

export function beginRun(
  input: DatasetInput,
  controls: Controls,
  plan: Plan,
  statusSeq: number,
): Run {
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

/** Everything the next run needs, as plain JSON. */
export function carryOf(run: Run): DatasetCarry {
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

export interface StatusReasons {
  readonly waiting?: { readonly kind: 'paused' | 'out-of-money'; readonly detail: string };
  readonly failure?: { readonly kind: 'internal' | 'breach'; readonly message: string };
}

export async function setStatus(run: Run, to: JobStatus, reasons: StatusReasons): Promise<void> {
  run.display.show(to, run.state, run.counts);
  await changeStatus(run, run.input.jobId, to, reasons);
}

export async function changeStatus(
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

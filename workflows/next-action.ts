/** What a job's workflow does next: one decision, made from plain values, tested without Temporal. */
import { nextAllotment } from '#domain/allotment.ts';
import type { Plan } from './contract.ts';

export interface JobState {
  readonly plan: Plan;
  /** The next batch that was never started. */
  next: number;
  /** Started batches that came back undone. */
  redo: number[];
  finishedBatches: number;
  inFlight: number;
  /** The sum of the allotments of the batches in flight. */
  callsAllotted: number;
  window: number;
  /** Batches in flight that the money seems to allow; halves when one comes back, grows when one ends. */
  moneyWindow: number;
  isPaused: boolean;
  isExhausted: boolean;
  /** Why the job cannot go on, or null. */
  fatal: string | null;
  /** Batches started in this run, and the run's events: what makes a new run due. */
  startedInRun: number;
  isHistoryLong: boolean;
}

export type Action =
  | { readonly kind: 'launch'; readonly batch: number; readonly concurrency: number }
  | { readonly kind: 'wait' }
  /** Call back the batches in flight: the job was paused or cannot go on. */
  | { readonly kind: 'call-back' }
  | { readonly kind: 'rest'; readonly reason: 'paused' | 'out-of-money' }
  | { readonly kind: 'continue-as-new' }
  | { readonly kind: 'finish' }
  | { readonly kind: 'fail' };

/** Batches of one run: 500 make about 3,000 events, which replay in 2 to 3 seconds. */
const batchesPerRun = 500;

export function nextAction(state: JobState): Action {
  const isIdle = state.inFlight === 0;
  if (state.fatal !== null) return isIdle ? { kind: 'fail' } : { kind: 'call-back' };
  if (state.finishedBatches === state.plan.batches) return { kind: 'finish' };
  if (state.isPaused) {
    return isIdle ? { kind: 'rest', reason: 'paused' } : { kind: 'call-back' };
  }
  // Drained first: an activity does not outlive its run.
  if (isRunFull(state)) return { kind: isIdle ? 'continue-as-new' : 'wait' };
  if (state.isExhausted)
    return isIdle ? { kind: 'rest', reason: 'out-of-money' } : { kind: 'wait' };
  return launch(state);
}

function isRunFull(state: JobState): boolean {
  return state.startedInRun >= batchesPerRun || state.isHistoryLong;
}

function launch(state: JobState): Action {
  const batch = state.redo[0] ?? state.next;
  if (batch >= state.plan.batches) return { kind: 'wait' };
  const slots = Math.min(state.window, state.moneyWindow);
  const concurrency = nextAllotment({
    concurrency: state.plan.concurrency,
    inUse: state.callsAllotted,
    freeSlots: Math.max(slots - state.inFlight, 0),
    remainingBatches: waitingBatches(state),
  });
  return concurrency === 0 ? { kind: 'wait' } : { kind: 'launch', batch, concurrency };
}

/** Takes the batch that `nextAction` named off the queue. */
export function launched(state: JobState, concurrency: number): void {
  if (state.redo.shift() === undefined) state.next += 1;
  state.inFlight += 1;
  state.startedInRun += 1;
  state.callsAllotted += concurrency;
}

/**
 * A batch is no longer in flight; what it said is told by one of the functions below. `returned` is what
 * of its allotment it did not leave to the batches beside it.
 */
export function landed(state: JobState, returned: number): void {
  state.inFlight -= 1;
  // What was lent ends with the last batch that could use it.
  state.callsAllotted = state.inFlight === 0 ? 0 : state.callsAllotted - returned;
}

/** Batches that wait behind the ones in flight. */
export function waitingBatches(state: JobState): number {
  return state.redo.length + state.plan.batches - state.next;
}

export function batchFinished(state: JobState): void {
  state.finishedBatches += 1;
  state.moneyWindow = Math.min(state.moneyWindow + 1, state.window);
}

export function batchUndone(state: JobState, batch: number): void {
  state.redo.push(batch);
}

/**
 * A batch found no money. Others may hold what it lacked, so fewer run beside each other; one that ran
 * alone, with nothing else in flight and no raise since, has shown that what is left pays for no call.
 */
export function batchOutOfMoney(state: JobState, batch: number, wasAlone: boolean): void {
  state.redo.unshift(batch);
  state.moneyWindow = Math.max(1, Math.floor(Math.min(state.moneyWindow, state.inFlight + 1) / 2));
  if (wasAlone) state.isExhausted = true;
}

export function moneyRaised(state: JobState): void {
  state.isExhausted = false;
  state.moneyWindow = state.window;
}

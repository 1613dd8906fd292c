/**
 * Calls to a model, paid from one hold and durable in one journal: what every kind of paid work is made
 * of. Knows nothing of datasets.
 */
import type {
  CallGates,
  CallOutcome,
  GateState,
  Model,
  ModelRequest,
  Permit,
} from '#bedrock/contract.ts';
import { type Failure, reactionTo } from '#domain/failure.ts';
import type { PicoUsd } from '#domain/money.ts';
import { exactCost, type ModelPrice } from '#domain/pricing.ts';
import type { Journal, JournalEntry } from '#store/contract.ts';
import { type AnswerLog, createAnswerLog } from './answer-log.ts';
import type { HoldOwner } from './holder.ts';
import type { CallOrder, JobPool } from './job-pool.ts';
import type { Clock } from './ports.ts';

/** One call, before it is known whose hold pays for it. */
export interface PaidCall {
  readonly record: number;
  readonly step: string;
  readonly try: number;
  readonly promptSha256: string;
  readonly price: ModelPrice;
  readonly worst: PicoUsd;
  readonly order: CallOrder;
  readonly request: Omit<ModelRequest, 'hold' | 'call'>;
}

export type CallResult =
  | { readonly kind: 'answered'; readonly entry: JournalEntry }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** This attempt makes no more calls; `stopped()` says why. */
  | { readonly kind: 'stopped' };

/** Why an attempt makes no more calls. The first reason stands. */
export type Stop =
  | { readonly kind: 'out-of-money'; readonly needed: PicoUsd; readonly available: PicoUsd }
  | { readonly kind: 'frozen' }
  | { readonly kind: 'hold-lost'; readonly reason: string }
  | { readonly kind: 'provider-down'; readonly retryInMs: number; readonly failure: Failure }
  | { readonly kind: 'quota'; readonly retryInMs: number; readonly failure: Failure }
  | { readonly kind: 'job-cannot-run'; readonly failure: Failure }
  | { readonly kind: 'store-down'; readonly reason: string }
  | { readonly kind: 'asked' };

export interface PaidCalls {
  call(call: PaidCall): Promise<CallResult>;
  stopped(): Stop | null;
  /** Aborts when no further call will be started. */
  readonly stopping: AbortSignal;
  /** Keeps every further call from being started; calls on the wire go on. */
  stop(reason: Stop): void;
  /** Resolves when no call is on the wire and every answer is durable. */
  drained(): Promise<void>;
}

export interface PaidCallsOptions {
  readonly attempt: { readonly jobId: string; readonly batch: string; readonly ordinal: number };
  readonly owner: HoldOwner;
  readonly journal: Journal;
  readonly model: Model;
  readonly gates: CallGates;
  readonly pool: JobPool;
  readonly clock: Clock;
  /** Ends calls on the wire: their outcome is then unknown. */
  readonly abort: AbortSignal;
}

/** How long a batch stays away after the provider's quota for the day was used up. */
const quotaRetryMs = 60_000;

/** What the functions below share: the options, and how far the attempt has come. */
interface Line {
  readonly options: PaidCallsOptions;
  readonly log: AnswerLog;
  readonly stopping: AbortController;
  stop: Stop | null;
  callNumber: number;
}

export function createPaidCalls(options: PaidCallsOptions): PaidCalls {
  const line: Line = {
    options,
    log: createAnswerLog(options),
    stopping: new AbortController(),
    stop: null,
    callNumber: 0,
  };
  const underWay = new Set<Promise<unknown>>();
  return {
    async call(wanted) {
      const result = callUntilBilled(line, wanted);
      underWay.add(result);
      try {
        return await result;
      } finally {
        underWay.delete(result);
      }
    },
    stopped: () => line.stop,
    stopping: line.stopping.signal,
    stop: (reason) => stopFor(line, reason),
    async drained() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

function stopFor(line: Line, reason: Stop): void {
  line.stop ??= reason;
  line.stopping.abort(new Error(`stopped: ${line.stop.kind}`));
}

/** Calls again while the provider only asks to wait: such calls were not billed, and fail no record. */
async function callUntilBilled(line: Line, wanted: PaidCall): Promise<CallResult> {
  while (line.stop === null) {
    const result = await callOnce(line, wanted);
    if (result !== null) return result;
  }
  return { kind: 'stopped' };
}

/** One call, from leave to durable answer; null where it was not billed and is to be made again. */
async function callOnce(line: Line, wanted: PaidCall): Promise<CallResult | null> {
  const { pool } = line.options;
  const leave = await pool.enter(wanted.order, line.stopping.signal).catch(() => null);
  if (leave === null) return { kind: 'stopped' };
  try {
    const permit = await permitFor(line, wanted);
    if (permit === null) return { kind: 'stopped' };
    const sent = await send(line, wanted, permit);
    // The place is kept until the answer is durable: a crash can lose no more than may be in flight.
    return await settle(line, wanted, sent);
  } finally {
    leave();
  }
}

/** Leave from the gate and from the hold, in this order: held money never waits out a throttle. */
async function permitFor(line: Line, wanted: PaidCall): Promise<Permit | null> {
  const { gates, owner, clock } = line.options;
  const gate = gates(wanted.request.model);
  const permit = await gate.admit(line.stopping.signal).catch(() => null);
  if (permit === null) return null;
  if (permit === 'open') {
    stopFor(line, outage(gate.state(), clock.now()));
    return null;
  }
  const grant = await owner.reserve(wanted.worst);
  if (grant.kind === 'granted' && maySend(line.stop)) return permit;
  permit.release();
  if (grant.kind === 'granted') owner.release(wanted.worst);
  else stopFor(line, grant);
  return null;
}

/** Whether a call that was given its leave while the attempt was being stopped is still to be sent. */
function maySend(stop: Stop | null): boolean {
  switch (stop?.kind) {
    case 'asked':
    case 'store-down':
    case 'job-cannot-run':
    case 'hold-lost':
    case 'frozen':
      return false;
    // The call that the open circuit lets try is one of these, and money that was granted may be used.
    case 'provider-down':
    case 'quota':
    case 'out-of-money':
    case undefined:
      return true;
  }
}

/** A batch that finds the circuit open comes back when the gate lets a call try, not before. */
function outage(state: GateState, nowMs: number): Stop {
  if (state.kind !== 'open') {
    return { kind: 'provider-down', retryInMs: retryMsMin, failure: noProvider };
  }
  const retryInMs = Math.max(state.probeAtMs - nowMs, retryMsMin);
  const kind = state.failure.kind === 'quota-exceeded' ? 'quota' : 'provider-down';
  return { kind, retryInMs, failure: state.failure };
}

async function send(line: Line, wanted: PaidCall, permit: Permit): Promise<Sent> {
  const { model, owner, abort } = line.options;
  line.callNumber += 1;
  const call = `c${line.callNumber}`;
  const outcome = await model.call(
    { ...wanted.request, hold: owner.id, call },
    { signal: abort, beforeSend: () => owner.confirm() },
  );
  // A call that we cut off says nothing about the provider: it must not open the circuit for others.
  if (abort.aborted) permit.release();
  else permit.done(outcome);
  return { call, outcome };
}

async function settle(
  line: Line,
  wanted: PaidCall,
  { call, outcome }: Sent,
): Promise<CallResult | null> {
  const { owner, clock } = line.options;
  switch (outcome.kind) {
    case 'answered':
      return keep(line, wanted, entryOf(wanted, call, outcome.answer, clock.timestamp()));
    case 'not-billed':
      owner.release(wanted.worst);
      return react(line, outcome.failure);
    case 'unknown':
      await owner.shelve(wanted.worst);
      return { kind: 'failed', failure: outcome.failure };
  }
}

/** Journaled before captured: a crash here is repaired by the next attempt, which finds the answer. */
async function keep(line: Line, wanted: PaidCall, entry: JournalEntry): Promise<CallResult> {
  const { owner } = line.options;
  const cost = exactCost(wanted.price, entry.usage);
  const reason = await line.log.keep(entry, () => owner.answered(wanted.worst, cost));
  if (reason === null) return { kind: 'answered', entry };
  stopFor(line, { kind: 'store-down', reason });
  await owner.shelve(wanted.worst);
  return { kind: 'stopped' };
}

function react(line: Line, seen: Failure): CallResult | null {
  if (seen.kind === 'quota-exceeded') {
    stopFor(line, { kind: 'quota', retryInMs: quotaRetryMs, failure: seen });
    return { kind: 'stopped' };
  }
  switch (reactionTo(seen.kind)) {
    case 'wait':
      return null;
    case 'fail-job':
      stopFor(line, { kind: 'job-cannot-run', failure: seen });
      return { kind: 'stopped' };
    case 'try-again':
    case 'fail-record':
      return { kind: 'failed', failure: seen };
  }
}

interface Sent {
  readonly call: string;
  readonly outcome: CallOutcome;
}

const noProvider: Failure = { kind: 'unreachable', message: 'The provider does not answer.' };
/** The least time that a batch stays away from a provider that does not answer. */
const retryMsMin = 500;

function entryOf(
  wanted: PaidCall,
  call: string,
  answer: Extract<CallOutcome, { kind: 'answered' }>['answer'],
  at: string,
): JournalEntry {
  return {
    call,
    record: wanted.record,
    step: wanted.step,
    try: wanted.try,
    promptSha256: wanted.promptSha256,
    model: wanted.request.model,
    text: answer.text,
    stopReason: answer.stopReason,
    usage: answer.usage,
    cost: exactCost(wanted.price, answer.usage).toString(),
    worst: wanted.worst.toString(),
    at,
    latencyMs: answer.latencyMs,
    requestId: answer.requestId,
  };
}

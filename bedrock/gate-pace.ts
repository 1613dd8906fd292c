import type { Failure } from '#domain/failure.ts';
import { outageKinds } from './classify.ts';
import type { CallOutcome, GateState } from './contract.ts';

/** What a gate has learnt from the outcomes of its calls: how many at a time, from when on, or none. */
export interface Pace {
  readonly callsMax: number;
  /** Calls at a time, as a fraction while it grows. */
  readonly limit: number;
  /** Raised by each throttle: calls of an earlier one were sent too early to speak about this limit. */
  readonly generation: number;
  readonly throttledSinceMs: number | null;
  /** Throttles without a success in between. */
  readonly throttlesInRow: number;
  /** No call is admitted before. */
  readonly resumeAtMs: number;
  readonly failuresInRow: number;
  readonly circuit: OpenCircuit | null;
  readonly opensInRow: number;
}

export interface OpenCircuit {
  readonly sinceMs: number;
  readonly probeAtMs: number;
  readonly failure: Failure;
  readonly isProbing: boolean;
}

/** What a permit remembers of the moment it was given. */
export interface Pass {
  readonly generation: number;
  readonly isProbe: boolean;
}

/** The moment of learning: the time, and a number from 0 on, below 1, that spreads the back-off. */
export interface Moment {
  readonly nowMs: number;
  readonly random: number;
}

/** Back-off after a throttle: doubles while nothing succeeds in between. */
const backOffMs = { first: 500, most: 20_000 };
/** A longer wait told by a server is a mistake, or a quota that the circuit's probe finds out about. */
const retryAfterMsMax = 15 * 60_000;
/**
 * Failures in a row that open the circuit: rare by chance even where one call in five fails, and few
 * enough that calls of unknown cost cannot use up a job's money during an outage.
 */
export const failuresToOpen = 10;
const probeDelayMs = { first: 1_000, most: 16_000 };
/** A used-up daily quota comes back after hours, not seconds. */
const quotaProbeDelayMs = { first: 60_000, most: 15 * 60_000 };

export function fullPace(callsMax: number): Pace {
  return {
    callsMax,
    limit: callsMax,
    generation: 0,
    throttledSinceMs: null,
    throttlesInRow: 0,
    resumeAtMs: Number.NEGATIVE_INFINITY,
    failuresInRow: 0,
    circuit: null,
    opensInRow: 0,
  };
}

/** Calls that may be in flight now. Zero during a pause; what an open circuit admits is its probe. */
export function callsAllowed(pace: Pace, nowMs: number): number {
  if (nowMs < pace.resumeAtMs) return 0;
  // Until a call succeeds after a throttle, one at a time asks whether the provider takes calls again.
  return pace.throttlesInRow > 0 ? 1 : Math.floor(pace.limit);
}

export function mayProbe(circuit: OpenCircuit, nowMs: number): boolean {
  return !circuit.isProbing && nowMs >= circuit.probeAtMs;
}

/** The pace with its circuit's probe on the way, or given back because the call was not made. */
export function withProbing(pace: Pace, isProbing: boolean): Pace {
  return pace.circuit === null ? pace : { ...pace, circuit: { ...pace.circuit, isProbing } };
}

/** The pace after one call ended with this outcome. */
export function learn(pace: Pace, outcome: CallOutcome, pass: Pass, at: Moment): Pace {
  if (outcome.kind === 'answered') return afterAnswer(spoken(pace, pass));
  const { failure } = outcome;
  const retryAfterMs = Math.min(
    (outcome.kind === 'not-billed' ? outcome.retryAfterMs : null) ?? 0,
    retryAfterMsMax,
  );
  if (outageKinds.has(failure.kind)) return afterOutage(pace, failure, pass, at);
  switch (failure.kind) {
    case 'not-sent':
      return pass.isProbe ? withProbing(pace, false) : pace;
    case 'quota-exceeded': {
      const waitMs = Math.max(retryAfterMs, doubled(quotaProbeDelayMs, pace.opensInRow));
      return opened(pace, pass, { failure, sinceMs: at.nowMs, probeAtMs: at.nowMs + waitMs });
    }
    case 'throttled':
      return afterThrottle(spoken(pace, pass), retryAfterMs, pass, at);
    default:
      return spoken(pace, pass);
  }
}

/** The service answered, be it with a refusal: it works. */
function spoken(pace: Pace, pass: Pass): Pace {
  // Only the probe closes an open circuit: the answer to an older call was made before the outage.
  if (!pass.isProbe) return { ...pace, failuresInRow: 0 };
  return { ...pace, failuresInRow: 0, circuit: null, opensInRow: 0 };
}

function afterAnswer(pace: Pace): Pace {
  // One more call per round trip of all of them.
  const limit = Math.min(pace.callsMax, pace.limit + 1 / pace.limit);
  const throttledSinceMs = limit === pace.callsMax ? null : pace.throttledSinceMs;
  return { ...pace, limit, throttledSinceMs, throttlesInRow: 0 };
}

function afterThrottle(pace: Pace, retryAfterMs: number, pass: Pass, at: Moment): Pace {
  const told = { ...pace, resumeAtMs: Math.max(pace.resumeAtMs, at.nowMs + retryAfterMs) };
  // A call of an earlier generation was sent before the limit was lowered: it is lowered once.
  if (pass.generation !== pace.generation) return told;
  const waitMs = doubled(backOffMs, pace.throttlesInRow) * (0.5 + at.random / 2);
  return {
    ...told,
    // A throttled lone call says that it is too early, not that one call is too many.
    limit: pace.throttlesInRow > 0 ? pace.limit : Math.max(1, pace.limit / 2),
    generation: pace.generation + 1,
    throttledSinceMs: pace.throttledSinceMs ?? at.nowMs,
    throttlesInRow: pace.throttlesInRow + 1,
    resumeAtMs: Math.max(told.resumeAtMs, at.nowMs + waitMs),
  };
}

function afterOutage(pace: Pace, failure: Failure, pass: Pass, at: Moment): Pace {
  const failuresInRow = pace.failuresInRow + 1;
  if (!pass.isProbe && failuresInRow < failuresToOpen) return { ...pace, failuresInRow };
  const probeAtMs = at.nowMs + doubled(probeDelayMs, pace.opensInRow);
  return opened(pace, pass, { failure, sinceMs: at.nowMs, probeAtMs });
}

function opened(pace: Pace, pass: Pass, circuit: Omit<OpenCircuit, 'isProbing'>): Pace {
  // Calls that were in flight when it opened tell nothing new: the probe stays where it is.
  if (pace.circuit !== null && !pass.isProbe) return pace;
  const sinceMs = pace.circuit?.sinceMs ?? circuit.sinceMs;
  return {
    ...pace,
    failuresInRow: 0,
    opensInRow: pace.opensInRow + 1,
    circuit: { ...circuit, sinceMs, isProbing: false },
  };
}

/** first, twice first, four times first, ... up to most. */
function doubled(range: { readonly first: number; readonly most: number }, times: number): number {
  return Math.min(range.most, range.first * 2 ** Math.min(times, 30));
}

export function stateOf(pace: Pace): GateState {
  if (pace.circuit !== null) {
    const { sinceMs, probeAtMs, failure } = pace.circuit;
    return { kind: 'open', sinceMs, probeAtMs, failure };
  }
  if (pace.throttledSinceMs === null) return { kind: 'flowing' };
  return { kind: 'throttled', sinceMs: pace.throttledSinceMs, limit: Math.floor(pace.limit) };
}

import { createCallGates, type GateClock } from '#bedrock/call-gate.ts';
import type { CallGate, CallOutcome, Permit } from '#bedrock/contract.ts';
import type { FailureKind } from '#domain/failure.ts';
import { failure } from '#domain/failure.ts';

/** Time that passes only when it is told to; timers run in the order they are due. */
export function createVirtualClock() {
  let nowMs = 1_000_000;
  const timers = new Set<{ atMs: number; action: () => void }>();
  const clock: GateClock = {
    nowMs: () => nowMs,
    after: (ms, action) => {
      const timer = { atMs: nowMs + ms, action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const nextTimer = () => [...timers].toSorted((a, b) => a.atMs - b.atMs)[0];
  const advance = async (ms: number) => {
    const untilMs = nowMs + ms;
    for (let due = nextTimer(); due !== undefined && due.atMs <= untilMs; due = nextTimer()) {
      timers.delete(due);
      nowMs = Math.max(nowMs, due.atMs);
      due.action();
      await settle();
    }
    nowMs = untilMs;
  };
  return { clock, advance, timersLeft: () => timers.size };
}

/** Lets every promise that can resolve do so. */
export const settle = async () => {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
};

export const never = new AbortController().signal;

export const answered: CallOutcome = {
  kind: 'answered',
  answer: {
    text: 'a',
    stopReason: 'end_turn',
    usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
    latencyMs: 1,
    requestId: 'r',
  },
};

export const refused = (kind: FailureKind, retryAfterMs: number | null = null): CallOutcome => ({
  kind: 'not-billed',
  failure: failure(kind, 'as told'),
  retryAfterMs,
});

export const lost = (kind: FailureKind): CallOutcome => ({
  kind: 'unknown',
  failure: failure(kind, 'as told'),
});

export function createGate(callsMax: number, random = () => 0) {
  const virtual = createVirtualClock();
  const gate = createCallGates({ callsMax, clock: virtual.clock, random })('m');
  return { gate, ...virtual };
}

export async function admitted(gate: CallGate): Promise<Permit> {
  const permit = await gate.admit(never);
  if (permit === 'open') throw new Error('the circuit is open');
  return permit;
}

/** Starts waiting and says later what came of it. */
export function asked(gate: CallGate, signal = never) {
  const its: { got: Permit | 'open' | 'waiting' | 'aborted' } = { got: 'waiting' };
  gate.admit(signal).then(
    (permit) => (its.got = permit),
    () => (its.got = 'aborted'),
  );
  return its;
}

export const isPermit = (got: Permit | string): got is Permit => typeof got === 'object';

import { describe, expect, it } from 'vitest';
import { createCallGates } from '#bedrock/call-gate.ts';
import type { CallGate } from '#bedrock/contract.ts';
import { failuresToOpen } from '#bedrock/gate-pace.ts';
import type { FailureKind } from '#domain/failure.ts';
import {
  admitted,
  answered,
  asked,
  createGate,
  createVirtualClock,
  isPermit,
  lost,
  never,
  refused,
  settle,
} from './gate-fixture.ts';

async function openCircuit(gate: CallGate, kind: FailureKind = 'unreachable') {
  for (let n = 0; n < failuresToOpen; n += 1) (await admitted(gate)).done(refused(kind));
}

describe('call gate: concurrency', () => {
  it('admission: stops at callsMax and goes on when a call ends', async () => {
    const { gate } = createGate(2);
    const first = await admitted(gate);
    await admitted(gate);
    const third = asked(gate);
    await settle();
    expect(third.got).toBe('waiting');
    first.done(answered);
    await settle();
    expect(isPermit(third.got)).toBe(true);
  });

  it('waiters: are admitted in the order of their arrival', async () => {
    const { gate } = createGate(1);
    let holder = await admitted(gate);
    const order: number[] = [];
    const waiting = [0, 1, 2, 3].map(async (n) => {
      const permit = await admitted(gate);
      order.push(n);
      return permit;
    });
    for (const next of waiting) {
      holder.done(answered);
      holder = await next;
    }
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('gates: are one per model, each with its own limit', async () => {
    const { clock } = createVirtualClock();
    const gates = createCallGates({ callsMax: 1, clock, random: () => 0 });
    expect(gates('a')).toBe(gates('a'));
    await admitted(gates('a'));
    await admitted(gates('b'));
  });

  it('a permit: can be ended once', async () => {
    const { gate } = createGate(1);
    const permit = await admitted(gate);
    permit.done(answered);
    expect(() => permit.done(answered)).toThrow('ended twice');
    expect(() => permit.release()).toThrow('ended twice');
    const one = await admitted(gate);
    const two = asked(gate);
    await settle();
    expect(two.got).toBe('waiting');
    one.release();
  });

  it.each([0, -1, 1.5, Number.NaN])('callsMax %s: is refused', (callsMax) => {
    const { clock } = createVirtualClock();
    expect(() => createCallGates({ callsMax, clock, random: () => 0 })).toThrow('callsMax');
  });

  it('an aborted waiter: leaves the queue with the reason; an aborted signal never enters it', async () => {
    const { gate } = createGate(1);
    const holder = await admitted(gate);
    const abort = new AbortController();
    const waiting = gate.admit(abort.signal);
    const behind = asked(gate);
    abort.abort(new Error('job cancelled'));
    await expect(waiting).rejects.toThrow('job cancelled');
    await expect(gate.admit(abort.signal)).rejects.toThrow('job cancelled');
    holder.release();
    await settle();
    expect(isPermit(behind.got)).toBe(true);
  });
});

describe('call gate: throttling', () => {
  it('a burst of throttled calls: halves the limit once', async () => {
    const { gate } = createGate(8);
    const permits = await Promise.all(Array.from({ length: 8 }, () => admitted(gate)));
    for (const permit of permits) permit.done(refused('throttled'));
    expect(gate.state()).toMatchObject({ kind: 'throttled', limit: 4 });
  });

  it('a burst of throttled calls: backs off once, and not again for a late one of the same burst', async () => {
    const { gate, advance } = createGate(8);
    const [late, lucky, ...burst] = await Promise.all(
      Array.from({ length: 8 }, () => admitted(gate)),
    );
    for (const permit of burst) permit.done(refused('throttled'));
    lucky?.done(answered);
    late?.done(refused('throttled'));
    expect(gate.state()).toMatchObject({ limit: 4 });
    const next = asked(gate);
    await advance(250);
    expect(isPermit(next.got)).toBe(true);
  });

  it('after a throttle: nothing is admitted until the back-off, then one call at a time', async () => {
    const { gate, advance } = createGate(8);
    (await admitted(gate)).done(refused('throttled'));
    const one = asked(gate);
    const two = asked(gate);
    await advance(249);
    expect(one.got).toBe('waiting');
    await advance(1);
    expect(isPermit(one.got)).toBe(true);
    expect(two.got).toBe('waiting');
    if (isPermit(one.got)) one.got.done(answered);
    await settle();
    expect(isPermit(two.got)).toBe(true);
  });

  it('retry-after: is waited out, up to a quarter of an hour', async () => {
    const { gate, advance } = createGate(1);
    (await admitted(gate)).done(refused('throttled', 30_000));
    const soon = asked(gate);
    await advance(29_999);
    expect(soon.got).toBe('waiting');
    await advance(1);
    expect(isPermit(soon.got)).toBe(true);
    if (isPermit(soon.got)) soon.got.done(refused('throttled', 10 ** 12));
    const late = asked(gate);
    await advance(15 * 60_000);
    expect(isPermit(late.got)).toBe(true);
  });

  it('success: raises the limit by one per round trip, back to callsMax and flowing', async () => {
    const { gate, advance } = createGate(4);
    (await admitted(gate)).done(refused('throttled'));
    await advance(500);
    (await admitted(gate)).done(answered);
    expect(gate.state()).toMatchObject({ kind: 'throttled', limit: 2 });
    for (let n = 0; n < 8; n += 1) (await admitted(gate)).done(answered);
    expect(gate.state()).toEqual({ kind: 'flowing' });
  });

  it('a storm of 20 s: costs the calls in flight and a few more, and then all calls flow', async () => {
    const { gate, advance, clock } = createGate(64, () => 0.5);
    const stormEndsAtMs = clock.nowMs() + 20_000;
    let calls = 0;
    let done = 0;
    const work = async () => {
      for (let left = 5; left > 0; ) {
        const permit = await admitted(gate);
        calls += 1;
        await new Promise<void>((resolve) => clock.after(200, resolve));
        const isStorm = clock.nowMs() < stormEndsAtMs;
        permit.done(isStorm ? refused('throttled') : answered);
        if (!isStorm) left -= 1;
        if (!isStorm) done += 1;
      }
    };
    const all = Promise.all(Array.from({ length: 100 }, work));
    await settle();
    await advance(60_000);
    await all;
    expect(done).toBe(500);
    expect(calls - done).toBeLessThanOrEqual(64 + 8);
  });
});

describe('call gate: circuit', () => {
  it.each([
    'unreachable',
    'service-unavailable',
    'model-not-ready',
    'provider-error',
    'no-answer',
  ] as const)('%s in a row: opens it at the limit, not before', async (kind) => {
    const { gate } = createGate(4);
    for (let n = 1; n < failuresToOpen; n += 1) (await admitted(gate)).done(lost(kind));
    expect(gate.state().kind).toBe('flowing');
    (await admitted(gate)).done(lost(kind));
    expect(gate.state()).toMatchObject({ kind: 'open', failure: { kind } });
  });

  it.each([answered, refused('throttled'), refused('request-refused'), refused('access-denied')])(
    'an answer of the service in between: starts the count again',
    async (spoken) => {
      const { gate, advance } = createGate(4);
      for (let n = 1; n < failuresToOpen; n += 1) (await admitted(gate)).done(lost('no-answer'));
      (await admitted(gate)).done(spoken);
      await advance(30_000);
      (await admitted(gate)).done(lost('no-answer'));
      expect(gate.state().kind).not.toBe('open');
    },
  );

  it('open: answers at once, also to those who wait already', async () => {
    const { gate } = createGate(1);
    for (let n = 1; n < failuresToOpen; n += 1) (await admitted(gate)).done(refused('unreachable'));
    const last = await admitted(gate);
    const waiting = [asked(gate), asked(gate)];
    last.done(refused('unreachable'));
    await settle();
    expect(waiting.map((its) => its.got)).toEqual(['open', 'open']);
    expect(await gate.admit(never)).toBe('open');
  });

  it('open: admits one probe at its time, later ones after 1, 2, 4, 8, 16, 16 s', async () => {
    const { gate, advance, clock } = createGate(4);
    await openCircuit(gate);
    const delays: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      const state = gate.state();
      if (state.kind !== 'open') throw new Error('it closed');
      delays.push(state.probeAtMs - clock.nowMs());
      await advance(state.probeAtMs - clock.nowMs() - 1);
      expect(await gate.admit(never)).toBe('open');
      await advance(1);
      const probe = await admitted(gate);
      expect(await gate.admit(never)).toBe('open');
      probe.done(refused('unreachable'));
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
  });

  it('a probe that succeeds: closes it, and the next outage starts with a short delay', async () => {
    const { gate, advance, clock } = createGate(4);
    await openCircuit(gate);
    await advance(1_000);
    (await admitted(gate)).done(refused('unreachable'));
    await advance(2_000);
    (await admitted(gate)).done(answered);
    expect(gate.state().kind).toBe('flowing');
    await openCircuit(gate);
    expect(gate.state()).toMatchObject({ kind: 'open', probeAtMs: clock.nowMs() + 1_000 });
  });

  it('a probe that was not made: leaves its place to the next', async () => {
    const { gate, advance } = createGate(4);
    await openCircuit(gate);
    await advance(1_000);
    (await admitted(gate)).release();
    (await admitted(gate)).done(refused('not-sent'));
    (await admitted(gate)).done(answered);
    expect(gate.state().kind).toBe('flowing');
  });

  it('calls from before the outage: neither close it nor move its probe', async () => {
    const { gate } = createGate(20);
    const older = await Promise.all([admitted(gate), admitted(gate), admitted(gate)]);
    await openCircuit(gate);
    const open = gate.state();
    older[0]?.done(answered);
    older[1]?.done(lost('no-answer'));
    older[2]?.done(refused('quota-exceeded'));
    expect(gate.state()).toEqual(open);
  });

  it('a used-up daily quota: opens it at once, for a minute or what the service says', async () => {
    const short = createGate(4);
    (await admitted(short.gate)).done(refused('quota-exceeded'));
    expect(short.gate.state()).toMatchObject({ probeAtMs: short.clock.nowMs() + 60_000 });
    const told = createGate(4);
    (await admitted(told.gate)).done(refused('quota-exceeded', 600_000));
    expect(told.gate.state()).toMatchObject({ probeAtMs: told.clock.nowMs() + 600_000 });
  });
});

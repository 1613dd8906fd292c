import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HoldOwner, ownHold } from '#activities/holder.ts';
import { momentOf } from '#activities/hold-commands.ts';
import type { Clock } from '#activities/ports.ts';
import { committed } from '#domain/account.ts';
import { type PicoUsd, pico, smaller, zero } from '#domain/money.ts';
import { hurriedClock } from './hurried-clock.ts';
import { createMemoryLedger, type MemoryLedger } from './ledger-in-memory.ts';

interface Time {
  wallMs: number;
  monotonicMs: number;
}

function clockAt(time: Time): Clock {
  return hurriedClock({
    now: () => time.wallMs,
    monotonic: () => time.monotonicMs,
    timestamp: () => '2026-11-20T00:00:00.000Z',
  });
}

/** Opens a hold of this size and owns it; `wanted` is what it would like to have after. */
async function own(
  ledger: MemoryLedger,
  amounts: { readonly open: bigint; readonly wanted?: bigint },
  time: Time = { wallMs: 1_000_000, monotonicMs: 5_000 },
): Promise<HoldOwner> {
  const clock = clockAt(time);
  const wanted = pico(amounts.wanted ?? amounts.open);
  const sentAt = momentOf(clock);
  const outcome = await ledger.execute({
    kind: 'open',
    account: 'job',
    batch: '000000',
    wanted: pico(amounts.open),
    least: pico(1n),
    at: clock.timestamp(),
  });
  if (outcome.kind === 'refused' || outcome.hold === null) throw new Error('it was not opened');
  const { hold, account } = outcome;
  return ownHold({ ledger, clock, opened: { hold, account, sentAt }, wanted: () => wanted });
}

/** Of commands after the opening: the kinds, or their sequence numbers. */
const kindsOf = (ledger: MemoryLedger) => ledger.commands.slice(1).map(({ kind }) => kind);

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const marker = {};
  const turns = (async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return marker;
  })();
  return (await Promise.race([promise, turns])) !== marker;
}

describe('reserve', () => {
  it('grants to the last pUSD of the hold, and grows it by a capture for one more', async () => {
    const ledger = createMemoryLedger(pico(100n));
    const owner = await own(ledger, { open: 20n });
    expect(await owner.reserve(pico(20n))).toEqual({ kind: 'granted' });
    expect(kindsOf(ledger)).toEqual([]);
    expect(await owner.reserve(pico(10n))).toEqual({ kind: 'granted' });
    expect(kindsOf(ledger)).toEqual(['capture']);
    expect(ledger.row().held).toBeGreaterThanOrEqual(30n);
  });

  it('waits for a call on the wire, whose answer frees what it does not cost', async () => {
    const ledger = createMemoryLedger(pico(20n));
    const owner = await own(ledger, { open: 20n });
    await owner.reserve(pico(20n));
    const second = owner.reserve(pico(15n));
    expect(await isSettled(second)).toBe(false);
    owner.answered(pico(20n), pico(5n));
    expect(await second).toEqual({ kind: 'granted' });
    await owner.settle();
    expect(ledger.row()).toMatchObject({ spent: 5n, held: 15n, available: 0n });
  });

  it('is refused for money with the figures, when nothing is on the wire that could free any', async () => {
    const ledger = createMemoryLedger(pico(20n));
    const owner = await own(ledger, { open: 20n });
    await owner.reserve(pico(20n));
    const waiting = [owner.reserve(pico(16n)), owner.reserve(pico(3n))];
    owner.answered(pico(20n), pico(5n));
    expect(await Promise.all(waiting)).toEqual([
      { kind: 'out-of-money', needed: 16n, available: 15n },
      { kind: 'out-of-money', needed: 3n, available: 15n },
    ]);
  });

  it('is refused while it waits, when somebody else has abandoned the hold', async () => {
    const ledger = createMemoryLedger(pico(40n));
    const owner = await own(ledger, { open: 40n });
    await owner.reserve(pico(40n));
    // More than the answer frees: the hold has to grow for it, and the ledger is asked.
    const waiting = owner.reserve(pico(36n));
    expect(await isSettled(waiting)).toBe(false);
    await ledger.execute({ kind: 'abandon', hold: owner.id, at: '2026-11-20T00:00:01.000Z' });
    owner.answered(pico(40n), pico(5n));
    expect(await waiting).toMatchObject({ kind: 'hold-lost' });
    expect(await owner.reserve(pico(1n))).toMatchObject({ kind: 'hold-lost' });
    // What an abandoned hold had stays counted: nothing was captured and nothing came back.
    expect(ledger.row()).toMatchObject({ spent: 0n, unknown: 40n, available: 0n });
  });

  it('is refused as frozen from the first answer above its worst case on', async () => {
    const ledger = createMemoryLedger(pico(1_000n));
    const owner = await own(ledger, { open: 500n });
    await owner.reserve(pico(10n));
    owner.answered(pico(10n), pico(11n));
    expect(await owner.reserve(pico(10n))).toEqual({ kind: 'frozen' });
    await owner.close();
    expect(ledger.row()).toMatchObject({ status: 'frozen', spent: 11n, held: 0n });
  });

  it('keeps the order of those who wait, so that a dear call is not starved by cheap ones', async () => {
    const ledger = createMemoryLedger(pico(30n));
    const owner = await own(ledger, { open: 30n });
    await owner.reserve(pico(10n));
    await owner.reserve(pico(20n));
    const dear = owner.reserve(pico(25n));
    const cheap = owner.reserve(pico(1n));
    owner.answered(pico(10n), pico(1n));
    expect(await isSettled(cheap)).toBe(false);
    owner.answered(pico(20n), pico(1n));
    expect(await dear).toEqual({ kind: 'granted' });
    expect(await cheap).toEqual({ kind: 'granted' });
  });
});

describe('a ledger that loses its answers', () => {
  it('is sent the same command again, and nothing is captured twice', async () => {
    const isLost = [true, false, true, true, false, false];
    const ledger = createMemoryLedger(pico(100n), async (command, apply) => {
      const outcome = apply();
      if (command.kind !== 'open' && isLost.shift() === true) throw new Error('connection reset');
      return outcome;
    });
    const owner = await own(ledger, { open: 50n });
    await owner.reserve(pico(10n));
    owner.answered(pico(10n), pico(7n));
    await owner.settle();
    await owner.reserve(pico(10n));
    await owner.shelve(pico(10n));
    await owner.close();
    const sent = ledger.commands
      .slice(1)
      .map((its) => ('seq' in its ? `${its.kind} ${its.seq}` : ''));
    expect(sent).toEqual(['capture 1', 'capture 1', 'shelve 2', 'shelve 2', 'shelve 2', 'close 3']);
    expect(ledger.row()).toMatchObject({ spent: 7n, unknown: 10n, held: 0n, available: 83n });
  });

  it('loses the hold after five tries: nothing more may start, and its money stays counted', async () => {
    const ledger = createMemoryLedger(pico(100n), async (command, apply) => {
      if (command.kind !== 'open') throw new Error('connection refused');
      return apply();
    });
    const owner = await own(ledger, { open: 50n });
    await owner.reserve(pico(10n));
    owner.answered(pico(10n), pico(7n));
    await owner.settle();
    expect(await owner.reserve(pico(1n))).toMatchObject({ kind: 'hold-lost' });
    await expect(owner.confirm()).rejects.toThrow('cannot be reached');
    await owner.close();
    expect(ledger.row()).toMatchObject({ spent: 0n, held: 50n });
  });
});

describe('the fence', () => {
  it.each([
    { does: 'passes without a command', wallMs: 59_999, monotonicMs: 59_999, commands: 0 },
    { does: 'renews', wallMs: 60_000, monotonicMs: 10, commands: 1 },
    { does: 'renews: the process slept', wallMs: 3_600_000, monotonicMs: 10, commands: 1 },
    { does: 'renews: the wall clock was set back', wallMs: -1, monotonicMs: 10, commands: 1 },
    { does: 'renews: the wall clock stood still', wallMs: 0, monotonicMs: 60_000, commands: 1 },
  ])(
    '$does, when $wallMs ms passed by the wall and $monotonicMs ms by the other clock',
    async (row) => {
      const time = { wallMs: 1_000_000, monotonicMs: 5_000 };
      const ledger = createMemoryLedger(pico(100n));
      const owner = await own(ledger, { open: 50n }, time);
      time.wallMs += row.wallMs;
      time.monotonicMs += row.monotonicMs;
      await owner.confirm();
      expect(kindsOf(ledger)).toEqual(Array(row.commands).fill('capture'));
      await owner.confirm();
      expect(kindsOf(ledger)).toHaveLength(row.commands);
    },
  );

  it('asks the ledger once for all calls that reach it together', async () => {
    const time = { wallMs: 0, monotonicMs: 0 };
    const ledger = createMemoryLedger(pico(100n));
    const owner = await own(ledger, { open: 50n }, time);
    time.wallMs = 120_000;
    await Promise.all(Array.from({ length: 20 }, () => owner.confirm()));
    expect(kindsOf(ledger)).toEqual(['capture']);
  });

  it('refuses after an abandonment, once the last command is a minute old', async () => {
    const time = { wallMs: 0, monotonicMs: 0 };
    const ledger = createMemoryLedger(pico(100n));
    const owner = await own(ledger, { open: 50n }, time);
    await ledger.execute({ kind: 'abandon', hold: owner.id, at: '2026-11-20T00:00:01.000Z' });
    time.wallMs = 60_000;
    await expect(owner.confirm()).rejects.toThrow('hold-not-open');
    await expect(owner.confirm()).rejects.toThrow('hold-not-open');
  });

  it('refuses, when the answer to its renewal slept on the way for more than a minute', async () => {
    const time = { wallMs: 0, monotonicMs: 0 };
    const ledger = createMemoryLedger(pico(100n), async (command, apply) => {
      const outcome = apply();
      if (command.kind === 'capture') time.wallMs += 7_200_000;
      return outcome;
    });
    const owner = await own(ledger, { open: 50n }, time);
    time.wallMs += 60_000;
    await expect(owner.confirm()).rejects.toThrow('renewed too long ago');
  });

  it('counts from when the hold was asked for, not from when the answer was read', async () => {
    const time = { wallMs: 0, monotonicMs: 0 };
    const ledger = createMemoryLedger(pico(100n), async (command, apply) => {
      const outcome = apply();
      if (command.kind === 'open') time.wallMs += 60_000;
      return outcome;
    });
    const owner = await own(ledger, { open: 50n }, time);
    await owner.confirm();
    expect(kindsOf(ledger)).toEqual(['capture']);
  });
});

describe('a holder under random use', () => {
  const calls = fc.array(
    fc.record({
      worst: fc.bigInt({ min: 1n, max: 40n }),
      share: fc.integer({ min: 0, max: 100 }),
      end: fc.constantFrom('answered', 'answered', 'answered', 'released', 'shelved'),
      turns: fc.integer({ min: 0, max: 6 }),
      delay: fc.integer({ min: 0, max: 6 }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  const lossy = fc.infiniteStream(fc.integer({ min: 0, max: 4 }));

  it('grants or refuses every call, never promises more than it holds, and its books add up', async () => {
    await fc.assert(
      fc.asyncProperty(
        calls,
        lossy,
        fc.bigInt({ min: 40n, max: 400n }),
        async (all, losses, limit) => {
          const next = losses[Symbol.iterator]();
          let inRow = 0;
          const ledger = createMemoryLedger(pico(limit), async (command, apply) => {
            for (let turn = next.next().value ?? 0; turn > 0; turn -= 1) await Promise.resolve();
            const outcome = apply();
            const isLost = command.kind !== 'open' && (next.next().value ?? 0) === 0 && inRow < 3;
            inRow = isLost ? inRow + 1 : 0;
            if (isLost) throw new Error('the answer was lost');
            return outcome;
          });
          const owner = await own(ledger, { open: 40n, wanted: 60n });
          let onWire: PicoUsd = zero;
          const books = { spent: 0n, shelved: 0n };
          const runs = all.map(async ({ worst: amount, share, end, turns, delay }) => {
            const worst = pico(amount);
            for (let turn = 0; turn < delay; turn += 1) await new Promise((go) => setImmediate(go));
            const grant = await owner.reserve(worst);
            if (grant.kind !== 'granted') return grant.kind;
            onWire = pico(onWire + worst);
            expect(onWire).toBeLessThanOrEqual(ledger.row().held);
            for (let turn = 0; turn < turns; turn += 1) await new Promise((go) => setImmediate(go));
            const cost = smaller(worst, pico((worst * BigInt(share)) / 100n));
            onWire = pico(onWire - worst);
            if (end === 'released') owner.release(worst);
            else if (end === 'shelved') {
              books.shelved += worst;
              await owner.shelve(worst);
            } else {
              books.spent += cost;
              owner.answered(worst, cost);
            }
            return grant.kind;
          });
          for (const kind of await Promise.all(runs))
            expect(['granted', 'out-of-money']).toContain(kind);
          await owner.close();
          const row = ledger.row();
          expect(row).toMatchObject({ spent: books.spent, unknown: books.shelved, held: 0n });
          expect(committed(row)).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 150 },
    );
  });
});

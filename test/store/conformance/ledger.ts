import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Account, type Hold, newAccount } from '#domain/account.ts';
import { decide, type LedgerCommand, slotsOf } from '#domain/ledger.ts';
import { add, pico } from '#domain/money.ts';
import { BadCursor, type Ledger } from '#store/contract.ts';
import { inPlace, inStores, type MakePlace } from './place.ts';

const at = '2026-01-02T03:04:05.678Z';

/** What every Ledger does, whatever it is made of. */
export function ledgerConformance(makePlace: MakePlace): void {
  describe('openAccount', () => {
    it('the first limit stands, when several processes open the account', () =>
      inStores(makePlace, async (store, other) => {
        expect(await store.ledger.account('job')).toBeNull();
        const limits = Array.from({ length: 10 }, (_, index) => pico(BigInt(100 + index)));
        const answers = await Promise.all(
          limits.map((limit, index) =>
            (index % 2 === 0 ? store : other).ledger.openAccount('job', limit),
          ),
        );
        expect(new Set(answers.map((account) => account.limit)).size).toBe(1);
        expect(await other.ledger.account('job')).toEqual(answers[0]);
      }));

    it.each([0n, 1n, 2n ** 63n - 1n, 2n ** 63n, 10n ** 24n])(
      'a limit of %s pUSD is kept exactly',
      (limit) =>
        inPlace(makePlace, async (place) => {
          const { ledger } = await place.open();
          await ledger.openAccount('job', pico(limit));
          if (limit > 0n) await open(ledger, '0', limit);
          const account = await (await place.open()).ledger.account('job');
          expect(account).toEqual({
            ...newAccount('job', pico(limit)),
            available: 0n,
            held: limit,
          });
        }),
    );
  });

  describe('execute', () => {
    it('answers and stores what `decide` says, for any commands from two processes', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(stepArbitrary, { minLength: 1, maxLength: 40 }), (steps) =>
          inStores(makePlace, async (store, other) => {
            const model = createModel();
            await store.ledger.openAccount('job', pico(100n));
            for (const [index, step] of steps.entries()) {
              const command = toCommand(step, model.holds());
              const ledger = index % 2 === 0 ? store.ledger : other.ledger;
              expect(await ledger.execute(command)).toEqual(model.execute(command));
            }
            await expectSame(store.ledger, model);
          }),
        ),
        { numRuns: 25 },
      );
    });

    it('a command whose answer was lost is answered as before, when it is sent again', () =>
      inStores(makePlace, async (store, other) => {
        await store.ledger.openAccount('job', pico(100n));
        await open(store.ledger, '0', 50n);
        const capture = captureOf('job/0/1', 1, 7n);
        const first = await store.ledger.execute(capture);
        expect(first).toMatchObject({ kind: 'done', hold: { spent: 7n, captured: 1 } });
        expect(await other.ledger.execute(capture)).toEqual(first);
      }));

    it('sums stay exact, when two processes command different holds at the same time', () =>
      inStores(makePlace, async (store, other) => {
        await store.ledger.openAccount('job', pico(1_000_000n));
        const ledgers = [store.ledger, other.ledger];
        await Promise.all(
          ledgers.flatMap((ledger, side) =>
            Array.from({ length: 5 }, async (_, batch) => {
              const hold = await open(ledger, `${side}-${batch}`, 1000n);
              for (let seq = 1; seq <= 10; seq += 1) {
                await ledger.execute(captureOf(hold.id, seq, 3n));
              }
            }),
          ),
        );
        const account = await store.ledger.account('job');
        expect(account).toMatchObject({ spent: 300n, held: 9700n, available: 990_000n });
      }));

    it('one hold of a batch is open, when several processes open it at the same time', () =>
      inStores(makePlace, async (store, other) => {
        await store.ledger.openAccount('job', pico(1000n));
        const ledgers = [store.ledger, other.ledger, store.ledger, other.ledger, store.ledger];
        await Promise.all(ledgers.map((ledger) => open(ledger, '0', 10n)));
        const holds = await store.ledger.holdsOfBatch('job', '0');
        expect(holds.map((hold) => hold.ordinal)).toEqual([1, 2, 3, 4, 5]);
        expect(holds.filter((hold) => hold.status === 'open').map((hold) => hold.ordinal)).toEqual([
          5,
        ]);
        expect(await store.ledger.account('job')).toMatchObject({ held: 10n, unknown: 40n });
      }));

    it('nothing is stored, when the command breaks an assertion', () =>
      inStores(makePlace, async (store) => {
        const before = await store.ledger.openAccount('job', pico(10n));
        await expect(open(store.ledger, '0', 0n)).rejects.toThrow('able to pay for something');
        expect(await store.ledger.account('job')).toEqual(before);
        await open(store.ledger, '0', 1n);
      }));
  });

  describe('unsettledHolds', () => {
    it('pages name each open or unknown hold once, when holds settle between the pages', () =>
      inStores(makePlace, async (store, other) => {
        await store.ledger.openAccount('job', pico(1000n));
        await store.ledger.openAccount('job2', pico(1000n));
        for (let batch = 0; batch < 7; batch += 1) await open(store.ledger, `${batch}`, 10n);
        await store.ledger.execute({ kind: 'close', hold: 'job/0/1', seq: 1, at });
        await store.ledger.execute({ kind: 'abandon', hold: 'job/6/1', at });
        const first = await store.ledger.unsettledHolds('job', { limit: 3, after: null });
        expect(first.items.map((hold) => hold.id)).toEqual(['job/1/1', 'job/2/1', 'job/3/1']);
        await store.ledger.execute({ kind: 'close', hold: 'job/3/1', seq: 1, at });
        const second = await other.ledger.unsettledHolds('job', { limit: 3, after: first.next });
        expect(second.items.map((hold) => hold.id)).toEqual(['job/4/1', 'job/5/1', 'job/6/1']);
        expect(second.next).toBeNull();
        const none = await other.ledger.unsettledHolds('job2', { limit: 3, after: null });
        expect(none).toEqual({ items: [], next: null });
      }));

    it.each([0, 1001, 1.5])('a limit of %s is refused', (limit) =>
      inStores(makePlace, async (store) => {
        const asked = store.ledger.unsettledHolds('job', { limit, after: null });
        await expect(asked).rejects.toThrow('allowed are 1 to 1000');
      }),
    );

    it('a cursor that no page gave is refused', () =>
      inStores(makePlace, async (store) => {
        const asked = store.ledger.unsettledHolds('job', { limit: 1, after: 'made-up' });
        await expect(asked).rejects.toBeInstanceOf(BadCursor);
      }));
  });
}

async function open(ledger: Ledger, batch: string, amount: bigint): Promise<Hold> {
  const wanted = pico(amount);
  const outcome = await ledger.execute({
    kind: 'open',
    account: 'job',
    batch,
    wanted,
    least: wanted,
    at,
  });
  if (outcome.kind === 'refused' || outcome.hold === null) throw new Error('the hold was refused');
  return outcome.hold;
}

function captureOf(hold: string, seq: number, cost: bigint): LedgerCommand {
  const none = pico(0n);
  return { kind: 'capture', hold, seq, entries: 1, cost: pico(cost), excess: none, topUp: none };
}

type Step = typeof stepArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

const kinds = [
  'open',
  'capture',
  'shelve',
  'close',
  'abandon',
  'recover',
  'resolve',
  'set-limit',
] as const;

const stepArbitrary = fc.record({
  kind: fc.constantFrom(...kinds, 'open' as const, 'capture' as const),
  batch: fc.constantFrom('0', '1', '2'),
  /** Picks the newest holds more often than the old ones. */
  pick: fc.nat(3),
  /** Off by one either way: repeated and early commands. */
  skew: fc.constantFrom(0, 0, 0, -1, 1),
  amount: fc.bigInt(0n, 30n),
  other: fc.bigInt(0n, 30n),
});

function toCommand(step: Step, holds: readonly Hold[]): LedgerCommand {
  const found = holds.at(-1 - step.pick);
  const hold = found?.id ?? 'job/9/9';
  const amount = pico(step.amount);
  const other = pico(step.other);
  const seq = Math.max(0, (found?.seq ?? 0) + 1 + step.skew);
  const excess = pico(step.skew === 1 && step.amount > 20n ? 1n : 0n);
  switch (step.kind) {
    case 'open': {
      const least = pico(step.amount / 3n + 1n);
      return {
        kind: 'open',
        account: 'job',
        batch: step.batch,
        wanted: add(least, other),
        least,
        at,
      };
    }
    case 'capture':
      return { kind: 'capture', hold, seq, entries: 2, cost: amount, excess, topUp: other };
    case 'shelve':
      return { kind: 'shelve', hold, seq, worst: amount };
    case 'close':
      return { kind: 'close', hold, seq, at };
    case 'abandon':
      return { kind: 'abandon', hold, at };
    case 'recover': {
      const from = Math.max(0, (found?.captured ?? 0) + step.skew);
      return { kind: 'recover', hold, from, entries: 1, cost: amount, excess };
    }
    case 'resolve': {
      const expected = pico((found?.unknown ?? 0n) + BigInt(Math.max(0, step.skew)));
      return { kind: 'resolve', hold, expected, billed: amount, released: other, evidence: 'log' };
    }
    case 'set-limit':
      return { kind: 'set-limit', account: 'job', limit: pico(step.amount * 10n) };
  }
}

/** The same reducer over plain maps: what the stored rows must equal. */
function createModel() {
  const holds = new Map<string, Hold>();
  let account: Account = newAccount('job', pico(100n));

  function holdOf(command: LedgerCommand): Hold | null {
    const slot = slotsOf(command).hold;
    if (slot === null) return null;
    if ('id' in slot) return holds.get(slot.id) ?? null;
    return [...holds.values()].filter((hold) => hold.batch === slot.newestOf).at(-1) ?? null;
  }

  return {
    account: () => account,
    holds: () => [...holds.values()],
    execute(command: LedgerCommand) {
      const decision = decide({ account, hold: holdOf(command) }, command);
      account = decision.account ?? account;
      for (const hold of decision.holds) holds.set(hold.id, hold);
      return decision.outcome;
    },
  };
}

async function expectSame(ledger: Ledger, model: ReturnType<typeof createModel>): Promise<void> {
  const account = await ledger.account('job');
  expect(account).toEqual(model.account());
  const batches = await Promise.all(
    ['0', '1', '2'].map((batch) => ledger.holdsOfBatch('job', batch)),
  );
  const stored = batches.flat();
  expect(stored.map((hold) => hold.id).sort()).toEqual(
    model
      .holds()
      .map((hold) => hold.id)
      .sort(),
  );
  for (const hold of model.holds()) expect(stored).toContainEqual(hold);
  expect(account).toMatchObject({
    held: add(...stored.map((hold) => hold.amount)),
    unknown: add(...stored.map((hold) => hold.unknown)),
    spent: add(...stored.map((hold) => hold.spent)),
  });
  const unsettled = stored.filter((hold) => hold.status === 'open' || hold.unknown > 0n);
  const page = await ledger.unsettledHolds('job', { limit: 1000, after: null });
  expect(page.items.map((hold) => hold.id)).toEqual(unsettled.map((hold) => hold.id).sort());
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Account, committed, type Hold, holdId } from '#domain/account.ts';
import { decide } from '#domain/ledger.ts';
import { newAccount } from '#domain/account.ts';
import { type LedgerCommand, slotsOf } from '#domain/ledger.ts';
import { pico } from '#domain/money.ts';

const at = '2026-01-01T00:00:00Z';
const amount = fc.bigInt(0n, 12n).map(pico);
const anyCommand: fc.Arbitrary<LedgerCommand> = fc
  .record({
    kind: fc.constantFrom(
      ...(['open', 'open', 'capture', 'capture', 'shelve', 'close'] as const),
      ...(['abandon', 'recover', 'resolve', 'set-limit'] as const),
    ),
    ordinal: fc.integer({ min: 1, max: 4 }),
    seq: fc.integer({ min: 1, max: 4 }),
    entries: fc.nat(2),
    costs: fc.tuple(amount, amount, amount),
  })
  .map(({ kind, ordinal, seq, entries, costs }) => {
    const [one, two, three] = costs;
    const id = { hold: holdId('job', 'a', ordinal) };
    const priced = { entries, cost: pico(one + two), excess: two > 9n ? two : pico(0n) };
    switch (kind) {
      case 'open':
        return {
          kind,
          account: 'job',
          batch: 'a',
          wanted: pico(one + two + 1n),
          least: pico(one + 1n),
          at,
        };
      case 'capture':
        return { kind, ...id, seq, ...priced, topUp: three };
      case 'shelve':
        return { kind, ...id, seq, worst: one };
      case 'close':
        return { kind, ...id, seq, at };
      case 'abandon':
        return { kind, ...id, at };
      case 'recover':
        return { kind, ...id, from: entries, ...priced };
      case 'resolve':
        return { kind, ...id, expected: one, billed: two, released: three, evidence: 'log' };
      case 'set-limit':
        return { kind, account: 'job', limit: pico(one * 4n) };
    }
  });

describe('decide', () => {
  it('ledger: adds up over all holds after any commands, and repetitions change nothing', () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 40 }), (commands) => {
        let current = newAccount('job', pico(30n));
        const holds = new Map<string, Hold>();
        for (const command of commands) {
          const repeats = command.kind === 'open' ? 1 : 2;
          for (let time = 1; time <= repeats; time += 1) {
            const slot = slotsOf(command).hold;
            const newest = [...holds.values()].at(-1) ?? null;
            const found = slot !== null && 'id' in slot ? (holds.get(slot.id) ?? null) : newest;
            const before = JSON.stringify([current, [...holds]], bigintText);
            const decision = decide({ account: current, hold: found }, command);
            current = decision.account ?? current;
            for (const each of decision.holds) holds.set(each.id, each);
            if (time === 1 || !isOnce(command)) continue;
            expect(JSON.stringify([current, [...holds]], bigintText)).toBe(before);
          }
          expectSums(current, [...holds.values()]);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Commands that their sequence number, cursor or expected money protects, where they change any. */
function isOnce(command: LedgerCommand): boolean {
  if (command.kind === 'recover') return command.entries > 0;
  if (command.kind === 'resolve') return command.billed + command.released > 0n;
  return true;
}

function expectSums(current: Account, holds: readonly Hold[]): void {
  const sum = (part: 'amount' | 'unknown' | 'spent'): bigint =>
    holds.reduce((total, each) => total + each[part], 0n);
  expect([current.held, current.unknown, current.spent]).toEqual([
    sum('amount'),
    sum('unknown'),
    sum('spent'),
  ]);
  expect(current.limit).toBe(current.available + committed(current));
  expect(current.available >= 0n || current.status === 'frozen').toBe(true);
  expect(holds.filter((each) => each.status === 'open').length).toBeLessThanOrEqual(1);
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value;
}

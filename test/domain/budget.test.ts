import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as budget from '#domain/budget.ts';
import type { Hold } from '#domain/account.ts';
import { pico } from '#domain/money.ts';

const row: Hold = {
  id: 'job/000001/1',
  account: 'job',
  batch: '000001',
  ordinal: 1,
  status: 'open',
  amount: pico(10n),
  seq: 0,
  captured: 0,
  spent: pico(0n),
  unknown: pico(0n),
  endedAt: null,
};
const fresh = budget.newHolder(row);
const worst = pico(4n);

describe('mayStart', () => {
  const waiting = budget.started(fresh, worst);
  it.each([
    { when: 'nothing is promised', holder: fresh, largest: 10n },
    { when: 'a call is on the wire', holder: waiting, largest: 6n },
    { when: 'two are', holder: budget.started(waiting, worst), largest: 2n },
    { when: 'one was not billed', holder: budget.notBilled(waiting, worst), largest: 10n },
    {
      when: 'an answer is owed for',
      holder: budget.journaled(waiting, worst, pico(3n)),
      largest: 7n,
    },
    {
      when: 'an answer cost all that it could',
      holder: budget.journaled(waiting, worst, pico(4n)),
      largest: 6n,
    },
    {
      when: 'an answer cost more than the whole hold',
      holder: budget.journaled(waiting, worst, pico(11n)),
      largest: -1n,
    },
  ])('headroom: $largest and not one more, when $when', ({ holder, largest }) => {
    expect(budget.headroom(holder)).toBe(largest);
    expect(budget.mayStart(holder, pico(largest))).toBe(true);
    expect(budget.mayStart(holder, pico(largest + 1n))).toBe(false);
    expect(() => budget.started(holder, pico(largest + 1n))).toThrow('beyond hold job/000001/1');
  });
});

describe('captureCommand', () => {
  it('capture: pays for all entries with the next number and what was above the worst case', () => {
    let holder = budget.started(budget.started(fresh, worst), worst);
    holder = budget.journaled(holder, worst, pico(1n));
    holder = budget.journaled(holder, worst, pico(6n));
    expect(budget.captureCommand(holder, pico(5n))).toEqual({
      kind: 'capture',
      hold: row.id,
      seq: 1,
      entries: 2,
      cost: 7n,
      excess: 2n,
      topUp: 5n,
    });
  });

  it('capture: leaves what was journaled meanwhile for the next one', () => {
    let holder = budget.started(budget.started(fresh, worst), worst);
    holder = budget.journaled(holder, worst, pico(1n));
    const command = budget.captureCommand(holder, pico(0n));
    holder = budget.journaled(holder, worst, pico(5n));
    holder = budget.afterCapture(holder, command, { ...row, amount: pico(9n), seq: 1 });
    expect(holder).toMatchObject({
      amount: 9n,
      seq: 1,
      inFlight: 0,
      uncaptured: { entries: 1, cost: 5n, excess: 1n },
    });
  });
});

describe('shelveCommand', () => {
  it('shelve: the call is counted as in flight until the ledger has taken it over', () => {
    const holder = budget.started(fresh, worst);
    const command = budget.shelveCommand(holder, worst);
    expect(command).toEqual({ kind: 'shelve', hold: row.id, seq: 1, worst });
    expect(budget.headroom(holder)).toBe(6n);
    const after = budget.afterShelve(holder, command, { ...row, amount: pico(6n), seq: 1 });
    expect(after).toMatchObject({ amount: 6n, seq: 1, inFlight: 0, inFlightWorst: 0n });
    expect(budget.headroom(after)).toBe(6n);
  });
});

describe('closeCommand', () => {
  const waiting = budget.started(fresh, worst);
  it('close: carries the next number, when nothing is owed', () => {
    const command = budget.closeCommand(fresh, 'now');
    expect(command).toEqual({ kind: 'close', hold: row.id, seq: 1, at: 'now' });
  });

  it.each([
    { when: 'a call is in flight', holder: waiting, says: 'closed with calls in flight' },
    {
      when: 'an answer is unpaid, even one that cost nothing',
      holder: budget.journaled(waiting, worst, pico(0n)),
      says: 'closed with unpaid answers',
    },
  ])('close: stops, when $when', ({ holder, says }) => {
    expect(() => budget.closeCommand(holder, 'now')).toThrow(says);
  });

  it.each([
    { what: 'not billed', end: () => budget.notBilled(fresh, worst) },
    { what: 'journaled', end: () => budget.journaled(fresh, worst, pico(1n)) },
  ])('landing: stops, when a call that was never started is $what', ({ end }) => {
    expect(end).toThrow('ended that was not started');
  });
});

describe('excessOf', () => {
  it.each([
    [3n, 4n, 0n],
    [4n, 4n, 0n],
    [5n, 4n, 1n],
  ])('excess: of a cost of %d with a worst case of %d is %d', (cost, most, excess) => {
    expect(budget.excessOf(pico(cost), pico(most))).toBe(excess);
  });
});

describe('wantedHold', () => {
  const batch = {
    callWorst: pico(10n),
    remainingWorst: pico(100_000n),
    concurrency: 4,
    available: pico(1_000n),
    window: 10,
  };
  it.each([
    { when: 'money is short: four calls per slot', change: {}, wanted: 160n },
    { when: 'money is plentiful: a share', change: { available: pico(5_000n) }, wanted: 500n },
    { when: 'little is left to do', change: { remainingWorst: pico(40n) }, wanted: 40n },
    { when: 'nothing is available', change: { available: pico(0n) }, wanted: 160n },
    { when: 'the account is overdrawn', change: { available: pico(-5n) }, wanted: 160n },
    { when: 'less than a call is left', change: { remainingWorst: pico(1n) }, wanted: 10n },
  ])('wanted: $wanted, when $when', ({ change, wanted }) => {
    expect(budget.wantedHold({ ...batch, ...change })).toBe(wanted);
  });

  it('wanted: between one call and all that is left to do, whatever the numbers', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 1_000n),
        fc.bigInt(1n, 500n),
        fc.integer({ min: 1, max: 64 }),
        fc.bigInt(-10n, 10n ** 9n),
        (callWorst, calls, concurrency, available) => {
          const wanted = budget.wantedHold({
            callWorst: pico(callWorst),
            remainingWorst: pico(callWorst * calls),
            concurrency,
            available: pico(available),
            window: 40,
          });
          expect(wanted >= callWorst && wanted <= callWorst * calls).toBe(true);
        },
      ),
    );
  });
});

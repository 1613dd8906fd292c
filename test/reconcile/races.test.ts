/** Whatever the order of every single step, each billed call is counted once. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { recoverAnswers } from '#activities/recover-answers.ts';
import { reconcileHold } from '#api/reconcile-hold.ts';
import { type Account, committed, type Hold, holdId, newAccount } from '#domain/account.ts';
import { decide, type LedgerCommand, slotsOf } from '#domain/ledger.ts';
import { add, pico, zero } from '#domain/money.ts';
import type { LoggedCall } from '#domain/reconcile.ts';
import type { JournalEntry, Objects, Store } from '#store/contract.ts';
import { createEvidence } from '#store/evidence.ts';

const limit = pico(1_000n);
const worst = 10n;
const id = holdId('job', '000000', 1);
const endedAt = '2026-01-01T10:00:00.000Z';

interface Call {
  /** What the provider billed; null where the request never reached it. */
  readonly cost: bigint | null;
  /** When its answer becomes durable: before the hold is abandoned, later by a zombie, or never. */
  readonly answer: 'paid' | 'unpaid' | 'late' | 'lost';
}

const call = fc.record({
  cost: fc.option(fc.bigInt(1n, worst), { freq: 5 }),
  answer: fc.constantFrom<Call['answer'][]>('paid', 'unpaid', 'late', 'lost'),
});

/** An abandoned hold in memory behind ports whose every step the scheduler delays. */
function world(calls: readonly Call[], scheduler: fc.Scheduler) {
  const journal: JournalEntry[] = [];
  const objects = new Map<string, Uint8Array>();
  let account: Account = newAccount('job', limit);
  let hold: Hold | null = null;

  function execute(command: LedgerCommand) {
    const slot = slotsOf(command);
    const decision = decide({ account, hold: slot.hold === null ? null : hold }, command);
    account = decision.account ?? account;
    hold = decision.holds.at(-1) ?? hold;
    return decision.outcome;
  }

  function answer(index: number): void {
    const cost = calls[index]?.cost;
    if (cost === null || cost === undefined) return;
    journal.push({ ...entry, call: `c${index}`, requestId: `r${index}`, cost: String(cost) });
  }

  execute({
    kind: 'open',
    account: 'job',
    batch: '000000',
    wanted: pico(500n),
    least: pico(1n),
    at: endedAt,
  });
  calls.forEach((its, index) => {
    if (its.answer !== 'paid' || its.cost === null) return;
    answer(index);
    const seq = (hold?.seq ?? 0) + 1;
    const paid = { entries: 1, cost: pico(its.cost), excess: zero, topUp: zero };
    execute({ kind: 'capture', hold: id, seq, ...paid });
  });
  execute({ kind: 'abandon', hold: id, at: endedAt });
  calls.forEach((its, index) => {
    if (its.answer === 'unpaid') answer(index);
  });

  const step = <Result>(name: string, work: () => Result): Promise<Result> =>
    scheduler.schedule(Promise.resolve(), name).then(work);
  const objectPort = {
    get: (key: string) => step('get', () => objects.get(key) ?? null),
    putIfAbsent: (key: string, bytes: Uint8Array) =>
      step('put', () => {
        if (objects.has(key)) return 'exists' as const;
        objects.set(key, bytes);
        return 'stored' as const;
      }),
  } as unknown as Objects;
  const store = {
    ledger: {
      execute: (command: LedgerCommand) => step(command.kind, () => execute(command)),
      holdsOfBatch: () => step('holds', () => (hold === null ? [] : [hold])),
    },
    journal: { read: () => step('journal', () => [{ ordinal: 1, entries: [...journal] }]) },
    evidence: createEvidence(objectPort),
  } as unknown as Store;
  return { store, step, answer, account: () => account, hold: () => hold };
}

const death = new Error('killed');

/** The store as a process reaches it that is killed before so many writes. */
function dying(store: Store, writes: number): Store {
  let left = writes;
  const live = <Result>(work: () => Promise<Result>): Promise<Result> => {
    left -= 1;
    return left < 0 ? Promise.reject(death) : work();
  };
  return {
    ...store,
    ledger: { ...store.ledger, execute: (command) => live(() => store.ledger.execute(command)) },
    evidence: {
      ...store.evidence,
      add: (hold, calls) => live(() => store.evidence.add(hold, calls)),
    },
  };
}

function onlyDeath(error: unknown): void {
  if (error !== death) throw error;
}

const entry: JournalEntry = {
  call: '',
  record: 0,
  step: 's',
  try: 0,
  promptSha256: '',
  model: 'm',
  text: 't',
  stopReason: 'end_turn',
  usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
  cost: '0',
  worst: String(worst),
  at: endedAt,
  latencyMs: 1,
  requestId: '',
};

function logOf(calls: readonly Call[], isShown: (index: number) => boolean): LoggedCall[] {
  return calls.flatMap(({ cost }, index) =>
    cost === null || !isShown(index)
      ? []
      : [{ call: `c${index}`, requestId: `r${index}`, cost: pico(cost) }],
  );
}

const openEnd = { completeUntil: null, brokenLines: 0, isSigned: true };
const complete = { ...openEnd, completeUntil: '2026-01-01T10:20:00.000Z' };

describe('reconciliations that may die, beside recoveries and a zombie', () => {
  it('every billed call is spent once, and the rest comes back, whatever the order and whoever dies', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 5 }),
        fc.array(
          fc.record({
            mask: fc.integer({ min: 0, max: 31 }),
            steps: fc.integer({ min: 0, max: 7 }),
          }),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
        fc.integer({ min: 0, max: 2 }),
        fc.scheduler(),
        async (calls, logs, recoveries, scheduler) => {
          const its = world(calls, scheduler);
          const bill = add(zero, ...calls.map(({ cost }) => pico(cost ?? 0n)));
          const partial = logs.map(({ mask, steps }) =>
            reconcileHold(dying(its.store, steps), {
              id,
              inLog: { calls: logOf(calls, (index) => (mask & (1 << index)) > 0), unpriced: 0 },
              reach: openEnd,
            }).catch(onlyDeath),
          );
          const recovering = Array.from({ length: recoveries }, async () =>
            recoverAnswers(
              its.store,
              'job',
              '000000',
              await its.store.journal.read('job', '000000'),
            ),
          );
          const zombies = calls.map((one, index) =>
            one.answer === 'late' ? its.step('late answer', () => its.answer(index)) : null,
          );
          await scheduler.waitFor(Promise.all([...partial, ...recovering, ...zombies]));
          if (its.account().spent > bill) throw new Error('a call was counted twice');
          if (committed(its.account()) < bill) throw new Error('a billed call is not covered');

          const last = { calls: logOf(calls, () => true), unpriced: 0 };
          const search = { id, inLog: last, reach: complete };
          const ends = [reconcileHold(its.store, search), reconcileHold(its.store, search)];
          await scheduler.waitFor(Promise.all(ends));
          const { spent, unknown, held, available, status } = its.account();
          if (spent !== bill) throw new Error(`spent ${spent} of a bill of ${bill}`);
          if (unknown + held !== 0n || available !== limit - bill || status !== 'active') {
            throw new Error(`unknown ${unknown}, held ${held}, available ${available}, ${status}`);
          }
        },
      ),
      { numRuns: 5_000 },
    ));
});

import { describe, expect, it } from 'vitest';
import { type Account, accountOfHold, committed, type Hold } from '#domain/account.ts';
import { decide } from '#domain/ledger.ts';
import { holdId, newAccount } from '#domain/account.ts';
import { type LedgerCommand, slotsOf } from '#domain/ledger.ts';
import { type PicoUsd, pico } from '#domain/money.ts';

const at = '2026-01-01T00:00:00Z';
const later = '2026-01-01T00:01:00Z';

/** An account whose parts are these; its limit is their sum. */
function account(
  parts: Partial<Record<'available' | 'held' | 'unknown' | 'spent', bigint>>,
): Account {
  const part = (name: keyof typeof parts): PicoUsd => pico(parts[name] ?? 0n);
  const [available, held] = [part('available'), part('held')];
  const [unknown, spent] = [part('unknown'), part('spent')];
  const limit = pico(available + held + unknown + spent);
  return { ...newAccount('job', limit), available, held, unknown, spent };
}

function hold(change: Partial<Hold>): Hold {
  return {
    id: holdId('job', 'a', 1),
    account: 'job',
    batch: 'a',
    ordinal: 1,
    status: 'open',
    amount: pico(0n),
    seq: 3,
    captured: 2,
    spent: pico(0n),
    unknown: pico(0n),
    endedAt: null,
    ...change,
  };
}

const open = (wanted: bigint, least: bigint): LedgerCommand => ({
  kind: 'open',
  account: 'job',
  batch: 'a',
  wanted: pico(wanted),
  least: pico(least),
  at: later,
});
const named = { hold: 'job/a/1' };
const capture = (change: object = {}): LedgerCommand & { kind: 'capture' } => ({
  kind: 'capture',
  ...named,
  seq: 4,
  entries: 1,
  cost: pico(3n),
  excess: pico(0n),
  topUp: pico(0n),
  ...change,
});
const recover = (change: object = {}): LedgerCommand & { kind: 'recover' } => ({
  kind: 'recover',
  ...named,
  from: 2,
  entries: 1,
  cost: pico(3n),
  excess: pico(0n),
  ...change,
});
const resolve = (change: object = {}): LedgerCommand & { kind: 'resolve' } => ({
  kind: 'resolve',
  ...named,
  expected: pico(5n),
  billed: pico(0n),
  released: pico(0n),
  evidence: 'log 17',
  ...change,
});

describe('open', () => {
  it.each([
    { available: 10n, wanted: 6n, least: 2n, amount: 6n },
    { available: 6n, wanted: 6n, least: 2n, amount: 6n },
    { available: 5n, wanted: 6n, least: 2n, amount: 5n },
    { available: 2n, wanted: 6n, least: 2n, amount: 2n },
  ])('open: holds $amount, when $wanted is wanted and $available is there', (row) => {
    const decision = decide({ account: account(row), hold: null }, open(row.wanted, row.least));
    expect(decision.account).toMatchObject({
      available: row.available - row.amount,
      held: row.amount,
    });
    expect(decision.holds).toMatchObject([
      { id: 'job/a/1', ordinal: 1, status: 'open', amount: row.amount, seq: 0, captured: 0 },
    ]);
  });

  it.each([1n, 0n])('open: refused as budget-exhausted, when %d of 2 is there', (available) => {
    const rows = { account: account({ available }), hold: hold({ amount: pico(0n) }) };
    const decision = decide(rows, open(6n, 2n));
    const refusal = { kind: 'budget-exhausted', least: 2n, available };
    expect(decision).toEqual({ outcome: { kind: 'refused', refusal }, account: null, holds: [] });
  });

  it('open: abandons an open predecessor, whose money stays counted', () => {
    const rows = {
      account: account({ available: 10n, held: 4n }),
      hold: hold({ amount: pico(4n), ordinal: 7, id: 'job/a/7', unknown: pico(0n) }),
    };
    const decision = decide(rows, open(6n, 2n));
    expect(decision.account).toMatchObject({ available: 4n, held: 6n, unknown: 4n });
    expect(decision.holds).toMatchObject([
      { id: 'job/a/7', status: 'abandoned', amount: 0n, unknown: 4n, endedAt: later },
      { id: 'job/a/8', ordinal: 8, status: 'open', amount: 6n },
    ]);
  });

  it.each(['closed', 'abandoned'] as const)('open: leaves a %s predecessor as it is', (status) => {
    const rows = { account: account({ available: 10n }), hold: hold({ status, endedAt: at }) };
    expect(decide(rows, open(6n, 2n)).holds).toMatchObject([{ ordinal: 2 }]);
  });

  it('open: refused, when the account is frozen', () => {
    const frozen = { ...account({ available: 10n }), status: 'frozen' as const };
    const { outcome } = decide({ account: frozen, hold: null }, open(6n, 2n));
    expect(outcome).toEqual({ kind: 'refused', refusal: { kind: 'account-frozen' } });
  });

  it.each([
    [6n, 0n],
    [1n, 2n],
  ])('open: stops, when %d is wanted and the least is %d', (wanted, least) => {
    const rows = { account: account({ available: 10n }), hold: null };
    expect(() => decide(rows, open(wanted, least))).toThrow('Assertion failed');
  });
});

describe('capture', () => {
  const rows = { account: account({ available: 2n, held: 5n }), hold: hold({ amount: pico(5n) }) };
  it.each([
    { topUp: 0n, amount: 2n, available: 2n },
    { topUp: 1n, amount: 3n, available: 1n },
    { topUp: 2n, amount: 4n, available: 0n },
    { topUp: 3n, amount: 4n, available: 0n },
  ])('capture: leaves $amount held, when $topUp more is asked for and 2 is there', (row) => {
    const decision = decide(rows, capture({ topUp: pico(row.topUp) }));
    expect(decision.account).toMatchObject({
      available: row.available,
      held: row.amount,
      spent: 3n,
    });
    expect(decision.holds).toMatchObject([{ amount: row.amount, seq: 4, captured: 3, spent: 3n }]);
  });

  it('capture: recorded in full and frozen without a top-up, when more than the worst case', () => {
    const command = capture({ cost: pico(9n), excess: pico(5n), topUp: pico(1n) });
    const decision = decide(rows, command);
    expect(decision.account).toMatchObject({
      status: 'frozen',
      available: -3n,
      held: 1n,
      spent: 9n,
    });
  });

  it.each([
    { seq: 3, answer: 'answered as before', outcome: { kind: 'done', hold: rows.hold } },
    { seq: 2, answer: 'refused', outcome: { refusal: { kind: 'out-of-sequence', expected: 4 } } },
    { seq: 5, answer: 'refused', outcome: { refusal: { kind: 'out-of-sequence', seen: 5 } } },
  ])('capture: $answer without a change, when its number is $seq after 3', ({ seq, outcome }) => {
    const decision = decide(rows, capture({ seq }));
    expect(decision).toMatchObject({ outcome, account: null });
    expect(decision.holds).toEqual([]);
  });

  it.each([3, 4])('capture: refused with number %d, when the hold was abandoned', (seq) => {
    const gone = hold({ status: 'abandoned', unknown: pico(5n), endedAt: at });
    const decision = decide({ account: account({ unknown: 5n }), hold: gone }, capture({ seq }));
    const refusal = { kind: 'hold-not-open', status: 'abandoned' };
    expect(decision.outcome).toEqual({ kind: 'refused', refusal });
  });

  it.each([
    { cost: pico(-1n) },
    { entries: -1 },
    { excess: pico(-1n) },
    { cost: pico(1n), excess: pico(2n) },
  ])('capture: stops, when it carries $cost, $entries, $excess', (change) => {
    expect(() => decide(rows, capture(change))).toThrow('Assertion failed');
  });
});

describe('shelve', () => {
  const rows = { account: account({ held: 5n }), hold: hold({ amount: pico(5n) }) };
  it('shelve: moves the whole hold to unknown, when the worst case is all of it', () => {
    const decision = decide(rows, { kind: 'shelve', ...named, seq: 4, worst: pico(5n) });
    expect(decision.account).toMatchObject({ held: 0n, unknown: 5n });
    expect(decision.holds).toMatchObject([{ status: 'open', amount: 0n, unknown: 5n, seq: 4 }]);
  });

  it('shelve: refused, when the worst case is more than is held', () => {
    const { outcome } = decide(rows, { kind: 'shelve', ...named, seq: 4, worst: pico(6n) });
    expect(outcome).toMatchObject({ refusal: { kind: 'above-hold', amount: 5n, seen: 6n } });
  });
});

describe('close and abandon', () => {
  const rows = {
    account: account({ held: 5n, unknown: 2n }),
    hold: hold({ amount: pico(5n), unknown: pico(2n) }),
  };
  const close: LedgerCommand = { kind: 'close', ...named, seq: 4, at: later };
  const abandon: LedgerCommand = { kind: 'abandon', ...named, at: later };

  it('close: hands back what is held and keeps what is unknown', () => {
    const decision = decide(rows, close);
    expect(decision.account).toMatchObject({ available: 5n, held: 0n, unknown: 2n });
    expect(decision.holds).toMatchObject([{ status: 'closed', amount: 0n, endedAt: later }]);
  });

  it('abandon: hands nothing back', () => {
    const decision = decide(rows, abandon);
    expect(decision.account).toMatchObject({ available: 0n, held: 0n, unknown: 7n });
    expect(decision.holds).toMatchObject([{ status: 'abandoned', amount: 0n, unknown: 7n }]);
  });

  it.each([
    { command: close, status: 'closed', seq: 4, outcome: { kind: 'done' } },
    { command: { ...close, seq: 5 }, status: 'closed', seq: 4, outcome: { kind: 'refused' } },
    { command: abandon, status: 'abandoned', seq: 3, outcome: { kind: 'done' } },
    {
      command: abandon,
      status: 'closed',
      seq: 4,
      outcome: { refusal: { kind: 'already-closed' } },
    },
    {
      command: close,
      status: 'abandoned',
      seq: 4,
      outcome: { refusal: { kind: 'hold-not-open' } },
    },
  ] as const)('$command.kind: changes nothing, when the hold is $status', (row) => {
    const ended = hold({ status: row.status, seq: row.seq, unknown: pico(2n), endedAt: at });
    const decision = decide({ account: account({ unknown: 2n }), hold: ended }, row.command);
    expect(decision).toMatchObject({ outcome: row.outcome, account: null });
    expect(decision.holds).toEqual([]);
  });
});

describe('recover', () => {
  const rows = {
    account: account({ unknown: 5n }),
    hold: hold({ status: 'abandoned', unknown: pico(5n), endedAt: at }),
  };
  it.each([3n, 5n])('recover: spends %d of 5 unknown and moves the cursor', (cost) => {
    const decision = decide(rows, recover({ cost: pico(cost), entries: 2 }));
    expect(decision.account).toMatchObject({ unknown: 5n - cost, spent: cost });
    expect(decision.holds).toMatchObject([
      { captured: 4, unknown: 5n - cost, spent: cost, seq: 3 },
    ]);
  });

  it.each([
    { when: 'more than is unknown', change: { cost: pico(6n) }, kind: 'above-unknown' },
    { when: 'another recovery was first', change: { from: 1 }, kind: 'stale' },
    { when: 'the cursor is ahead of what it found', change: { from: 3 }, kind: 'stale' },
  ])('recover: refused, when $when', ({ change, kind }) => {
    expect(decide(rows, recover(change)).outcome).toMatchObject({ refusal: { kind } });
  });

  it.each(['open', 'closed'] as const)('recover: refused, when the hold is %s', (status) => {
    const other = { account: account({ unknown: 5n }), hold: hold({ status, unknown: pico(5n) }) };
    const refusal = { kind: 'not-abandoned', status };
    expect(decide(other, recover()).outcome).toEqual({ kind: 'refused', refusal });
  });

  it('recover: freezes, when an answer cost more than its worst case', () => {
    const decision = decide(rows, recover({ cost: pico(6n), excess: pico(1n) }));
    expect(decision.account).toMatchObject({
      status: 'frozen',
      available: -1n,
      unknown: 0n,
      spent: 6n,
    });
  });
});

describe('resolve', () => {
  const gone = hold({ status: 'abandoned', unknown: pico(5n), endedAt: at });
  const rows = { account: account({ available: 1n, unknown: 5n }), hold: gone };
  it.each([
    { billed: 5n, released: 0n },
    { billed: 0n, released: 5n },
    { billed: 2n, released: 3n },
    { billed: 1n, released: 1n },
  ])('resolve: spends $billed and hands back $released of 5 unknown', ({ billed, released }) => {
    const decision = decide(rows, resolve({ billed: pico(billed), released: pico(released) }));
    expect(decision.account).toMatchObject({
      status: 'active',
      spent: billed,
      available: 1n + released,
      unknown: 5n - billed - released,
    });
  });

  // Found by the exhaustive search: such evidence was refused, so the bill stayed above what was counted.
  it('resolve: recorded in full and frozen, when more was billed than could be at worst', () => {
    const decision = decide(rows, resolve({ billed: pico(7n) }));
    expect(decision.account).toMatchObject({
      status: 'frozen',
      spent: 7n,
      unknown: 0n,
      available: -1n,
    });
    expect(decision.holds).toMatchObject([{ spent: 7n, unknown: 0n }]);
  });

  it.each([
    { when: 'no evidence', change: { evidence: '' }, kind: 'no-evidence' },
    { when: 'another resolution was first', change: { expected: pico(6n) }, kind: 'stale' },
    { when: 'too much is released', change: { released: pico(6n) }, kind: 'above-unknown' },
    {
      when: 'money is released beside a bill above the worst case',
      change: { billed: pico(5n), released: pico(1n) },
      kind: 'above-unknown',
    },
  ])('resolve: refused, when $when', ({ change, kind }) => {
    expect(decide(rows, resolve(change)).outcome).toMatchObject({ refusal: { kind } });
  });

  it('resolve: refused, when nothing is unknown: the bill is of settled calls', () => {
    const settled = { account: account({ spent: 5n }), hold: hold({ status: 'closed' }) };
    const command = resolve({ expected: pico(0n), billed: pico(1n) });
    expect(decide(settled, command).outcome).toMatchObject({ refusal: { kind: 'above-unknown' } });
  });

  it('resolve: refused, when the hold is open', () => {
    const other = { account: account({ unknown: 5n }), hold: hold({ unknown: pico(5n) }) };
    expect(decide(other, resolve()).outcome).toMatchObject({ refusal: { status: 'open' } });
  });
});

describe('setLimit', () => {
  it.each([
    { spent: 4n, held: 2n, unknown: 1n, limit: 8n, available: 1n },
    { spent: 4n, held: 2n, unknown: 1n, limit: 7n, available: 0n },
    { spent: 0n, held: 0n, unknown: 0n, limit: 0n, available: 0n },
  ])('limit: $limit leaves $available, when $spent, $held and $unknown are committed', (row) => {
    const before = account({ ...row, available: 9n });
    const command: LedgerCommand = { kind: 'set-limit', account: 'job', limit: pico(row.limit) };
    const decision = decide({ account: before, hold: null }, command);
    expect(decision.account).toMatchObject({ limit: row.limit, available: row.available });
    const again = decide({ account: decision.account, hold: null }, command);
    expect(again.account).toEqual(decision.account);
  });

  it('limit: refused, when one less than what is committed', () => {
    const before = account({ spent: 4n, held: 2n, unknown: 1n });
    const command: LedgerCommand = { kind: 'set-limit', account: 'job', limit: pico(6n) };
    const refusal = { kind: 'below-committed', committed: 7n, seen: 6n };
    expect(decide({ account: before, hold: null }, command).outcome).toMatchObject({ refusal });
    expect(committed(before)).toBe(7n);
  });
});

describe('rows', () => {
  it.each([
    { command: open(1n, 1n), slots: { account: 'job', hold: { newestOf: 'a' } } },
    { command: capture(), slots: { account: 'job', hold: { id: 'job/a/1' } } },
    {
      command: { kind: 'set-limit', account: 'job', limit: pico(1n) } as const,
      slots: { account: 'job', hold: null },
    },
  ])('slots: of $command.kind', ({ command, slots }) => {
    expect(slotsOf(command)).toEqual(slots);
  });

  it('ids: a hold names its account, and missing rows are refused', () => {
    expect(accountOfHold(holdId('job_1', '000007', 12))).toBe('job_1');
    const noAccount = decide({ account: null, hold: null }, capture()).outcome;
    expect(noAccount).toMatchObject({ refusal: { kind: 'no-account' } });
    const noHold = decide({ account: account({}), hold: null }, capture()).outcome;
    expect(noHold).toMatchObject({ refusal: { kind: 'no-hold' } });
  });

  it('rows: stop, when the stored account does not add up', () => {
    const bent = { ...account({ available: 9n }), spent: pico(1n) };
    expect(() => decide({ account: bent, hold: null }, open(2n, 1n))).toThrow('does not add up');
  });
});

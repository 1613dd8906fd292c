import { describe, expect, it } from 'vitest';
import type { Hold } from '#domain/account.ts';
import { loggedCost } from '#domain/logged-cost.ts';
import { pico } from '#domain/money.ts';
import { exactCost, priceOf, worstCaseCost } from '#domain/pricing.ts';
import {
  type HoldEvidence,
  type JournaledCall,
  type LoggedCall,
  recoveryOf,
  resolutionOf,
  unexplained,
} from '#domain/reconcile.ts';

const endedAt = '2026-01-01T10:00:00.000Z';
const final = '2026-01-01T10:20:00.000Z';

function hold(over: Partial<Hold> = {}): Hold {
  return {
    id: 'job/000000/1',
    account: 'job',
    batch: '000000',
    ordinal: 1,
    status: 'abandoned',
    amount: pico(0n),
    seq: 3,
    captured: 1,
    spent: pico(10n),
    unknown: pico(100n),
    endedAt,
    ...over,
  };
}

function answer(call: string, cost: bigint, requestId = `r-${call}`): JournaledCall {
  return { call, requestId, cost: String(cost), worst: '50' };
}

function logged(call: string, cost: bigint, requestId = `r-${call}`): LoggedCall {
  return { call, requestId, cost: pico(cost) };
}

function resolved(over: Partial<HoldEvidence> & Partial<HoldEvidence['reach']> = {}) {
  const { completeUntil = final, brokenLines = 0, unpriced = 0, isSigned = true } = over;
  return resolutionOf({
    hold: hold(),
    entries: [answer('c1', 10n)],
    evidence: [],
    logged: new Set(['c1']),
    reach: { completeUntil, brokenLines, unpriced, isSigned },
    ...('hold' in over ? { hold: over.hold ?? hold() } : {}),
    ...(over.entries === undefined ? {} : { entries: over.entries }),
    ...(over.evidence === undefined ? {} : { evidence: over.evidence }),
    ...(over.logged === undefined ? {} : { logged: over.logged }),
  });
}

describe('resolutionOf', () => {
  it.each([
    { until: final, released: 100n, kept: null },
    { until: '2026-01-01T10:19:59.999Z', released: 0n, kept: 'log-not-complete' },
    { until: '2026-01-01T11:20:00.000+01:00', released: 100n, kept: null },
    { until: null, released: 0n, kept: 'log-not-complete' },
  ])(
    'releases $released of a hold that ended at 10:00, when the log is complete until $until',
    (row) => {
      const answer = resolved({ completeUntil: row.until });
      expect(answer).toEqual({ billed: 0n, released: row.released, kept: row.kept });
    },
  );

  it.each([
    { name: 'requests were not signed', over: { isSigned: false }, kept: 'not-signed' },
    { name: 'a line is broken', over: { brokenLines: 1 }, kept: 'log-has-broken-lines' },
    { name: 'a call has no price', over: { unpriced: 1 }, kept: 'call-unpriced' },
    {
      name: 'the log lacks an answered call',
      over: { logged: new Set<string>() },
      kept: 'log-lacks-answers',
    },
  ])('bills what is shown and releases nothing, when $name', ({ over, kept }) => {
    const answer = resolved({ evidence: [logged('c2', 30n)], ...over });
    expect(answer).toEqual({ billed: 30n, released: 0n, kept });
  });

  it.each([
    { name: 'a lost call', evidence: [logged('c2', 30n)], billed: 30n, released: 70n },
    {
      name: 'the answered call alone',
      evidence: [logged('c1', 10n)],
      billed: 0n,
      released: 100n,
    },
    {
      name: 'the answered call and a second request of it',
      evidence: [logged('c1', 10n), logged('c1', 8n, 'again')],
      billed: 8n,
      released: 92n,
    },
    {
      name: 'two requests of the answered call, neither with the id of its answer',
      evidence: [logged('c1', 9n, 'x'), logged('c1', 8n, 'y')],
      billed: 9n,
      released: 91n,
    },
    {
      name: 'exactly the unknown money',
      evidence: [logged('c2', 100n)],
      billed: 100n,
      released: 0n,
    },
    {
      name: 'more than the unknown money',
      evidence: [logged('c2', 101n)],
      billed: 101n,
      released: 0n,
    },
  ])('bills $billed and releases $released, when the evidence is $name', (row) => {
    const { evidence, billed, released } = row;
    expect(resolved({ evidence })).toEqual({ billed, released, kept: null });
  });

  it('has nothing left to do, when it is asked again after its answer was applied', () => {
    const its = { evidence: [logged('c2', 30n)], logged: new Set(['c1', 'c2']) };
    const applied = hold({ spent: pico(40n), unknown: pico(0n) });
    expect(resolved({ ...its, hold: applied })).toEqual({ billed: 0n, released: 0n, kept: null });
  });

  it('counts a repeated append of an answer once', () => {
    const entries = [answer('c1', 10n), answer('c1', 10n)];
    expect(resolved({ entries }).billed).toBe(0n);
  });

  it('takes a corrupt answer for no witness and for no cost', () => {
    const its = { entries: [answer('c1', 10n), 'corrupt' as const], hold: hold({ captured: 2 }) };
    expect(resolved(its)).toEqual({ billed: 0n, released: 100n, kept: null });
  });
});

describe('recoveryOf', () => {
  const entries = [answer('c1', 10n), answer('c2', 60n), 'corrupt' as const, answer('c3', 7n)];

  it('pays for the entries behind the cursor, with what exceeds their worst case apart', () => {
    expect(recoveryOf(hold(), entries, [])).toEqual({
      kind: 'recover',
      hold: 'job/000000/1',
      from: 1,
      entries: 3,
      cost: 67n,
      excess: 10n,
    });
  });

  it('passes over an entry without paying, when the log told of its call first', () => {
    const command = recoveryOf(hold(), entries, [logged('c2', 60n)]);
    expect(command).toMatchObject({ entries: 3, cost: 7n, excess: 0n });
  });

  it.each([
    { name: 'the cursor is at the end', its: hold({ captured: 4 }) },
    { name: 'the hold is closed', its: hold({ status: 'closed' }) },
    { name: 'the hold is open', its: hold({ status: 'open' }) },
  ])('does nothing, when $name', ({ its }) => {
    expect(recoveryOf(its, entries, [])).toBeNull();
  });
});

describe('unexplained', () => {
  it('are requests without an answer, and all of a call that was sent twice', () => {
    const twice = [logged('c3', 1n), logged('c3', 1n, 'again')];
    const calls = [logged('c1', 10n), logged('c2', 5n), ...twice];
    const entries = [answer('c1', 10n), answer('c3', 1n)];
    expect(unexplained(entries, calls)).toEqual([logged('c2', 5n), ...twice]);
  });
});

describe('loggedCost', () => {
  const claude = 'us.anthropic.claude-sonnet-5';
  const price = priceOf(claude);
  if (price === null) throw new Error('the table has lost a price');
  const usage = { inputTokens: 100, outputTokens: 10 };

  it('is exact, when the log tells the share of the cache', () => {
    const cache = { readTokens: 40, writeTokens: 3 };
    const full = { ...usage, cacheReadTokens: 40, cacheWriteTokens: 3 };
    expect(loggedCost([claude], claude, { ...usage, cache })).toBe(exactCost(price, full));
  });

  it('charges every input token at the dearest price, when the log does not tell', () => {
    const cost = loggedCost([claude], claude, { ...usage, cache: null });
    expect(cost).toBe(worstCaseCost(price, usage));
    expect(cost).toBeGreaterThan(
      exactCost(price, { ...usage, cacheReadTokens: 0, cacheWriteTokens: 0 }),
    );
  });

  it.each([
    { name: 'an ARN', model: `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${claude}` },
    { name: 'the model behind the profile', model: 'anthropic.claude-sonnet-5' },
  ])('is that of the model asked for, when the log names $name', ({ model }) => {
    const cache = { readTokens: 0, writeTokens: 0 };
    const asked = loggedCost([claude], claude, { ...usage, cache });
    expect(loggedCost([claude], model, { ...usage, cache })).toBe(asked);
  });

  it('is not known, when the model has no price', () => {
    expect(loggedCost([claude], 'nobody.knows-v1:0', { ...usage, cache: null })).toBeNull();
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePart, partKey } from '#activities/part.ts';
import { batchKey } from '#domain/plan.ts';
import type { FaultKind } from '#simulator/knobs.ts';
import {
  accountOf,
  batchOf,
  billOf,
  type Engine,
  entriesOf,
  judge,
  oneStep,
  startEngine,
} from './engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** One record whose every call meets the fault, then none does. */
async function runWith(fault: FaultKind, over: { records?: number; callTimeoutMs?: number } = {}) {
  const size = over.records ?? 1;
  const jobId = await engine.addJob({ document: oneStep, records: size, limit: '0.10' });
  await engine.put({ faults: { [fault]: 1 } });
  const worker = await engine.worker(
    over.callTimeoutMs === undefined ? {} : { callTimeoutMs: over.callTimeoutMs },
  );
  const input = batchOf(jobId, { size, window: 2 });
  const ended = await worker.generate(input).catch((error: unknown) => error);
  return { jobId, worker, input, ended };
}

async function failuresOf(jobId: string): Promise<unknown[]> {
  const bytes = await engine.store.objects.get(partKey(jobId, batchKey(0)));
  const part = bytes === null ? null : decodePart(bytes);
  return (part?.lines ?? [])
    .filter(({ kind }) => kind === 'failed')
    .map(({ line }) => line['reason']);
}

describe('an answer that was paid for and cannot be used', () => {
  it.each<{ fault: FaultKind; reason: string; calls: number }>([
    { fault: 'maxTokens', reason: 'answer-truncated', calls: 1 },
    { fault: 'contentFiltered', reason: 'content-filtered', calls: 1 },
    { fault: 'contextExceeded', reason: 'context-overflow', calls: 1 },
    { fault: 'emptyAnswer', reason: 'empty-answer', calls: 6 },
    { fault: 'malformedModelOutput', reason: 'malformed-answer', calls: 6 },
  ])('fails its record as $reason after $calls calls, all paid: $fault', async (row) => {
    const { jobId, ended } = await runWith(row.fault);
    expect(ended).toMatchObject({ kind: 'finished', accepted: 0, failed: 1 });
    expect(await failuresOf(jobId)).toEqual([row.reason]);
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(row.calls);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
    expect(await entriesOf(engine, jobId)).toHaveLength(row.calls);
  });

  it('is asked for again, and the next one is used, when only the first is empty', async () => {
    const jobId = await engine.addJob({ document: oneStep, records: 1 });
    await engine.put({ faults: { emptyAnswer: 1 }, firstN: 1 });
    const { generate } = await engine.worker();
    expect(await generate(batchOf(jobId, { size: 1 }))).toMatchObject({ accepted: 1, failed: 0 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(2);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
  });
});

describe('a call without an answer', () => {
  it.each<{ fault: FaultKind; billed: number; reason: string; callTimeoutMs?: number }>([
    { fault: 'serverError', billed: 0, reason: 'provider-error' },
    { fault: 'serverErrorBilled', billed: 6, reason: 'provider-error' },
    { fault: 'modelError', billed: 0, reason: 'provider-error' },
    { fault: 'modelTimeout', billed: 0, reason: 'provider-error' },
    { fault: 'resetBeforeBilling', billed: 0, reason: 'no-answer' },
    { fault: 'resetAfterBilling', billed: 6, reason: 'no-answer' },
    { fault: 'truncatedBody', billed: 6, reason: 'no-answer' },
    { fault: 'malformedBody', billed: 6, reason: 'no-answer' },
    { fault: 'hang', billed: 0, reason: 'no-answer', callTimeoutMs: 150 },
    { fault: 'hangBilled', billed: 6, reason: 'no-answer', callTimeoutMs: 150 },
  ])(
    'keeps its worst case unknown, and fails its record after six: $fault',
    async ({ fault, billed, reason, ...over }) => {
      const { jobId, ended } = await runWith(fault, over);
      expect(ended).toMatchObject({ kind: 'finished', accepted: 0, failed: 1 });
      expect(await failuresOf(jobId)).toEqual([reason]);
      const { bill, account } = await judge(engine, jobId);
      expect(bill.calls).toBe(billed);
      expect(account).toMatchObject({ spent: 0n, held: 0n });
      const [hold] = await engine.store.ledger.holdsOfBatch(jobId, batchKey(0));
      expect(hold).toMatchObject({ status: 'closed', unknown: account.unknown });
      // Six worst cases: each covers at least what one call would have been billed.
      expect(account.unknown).toBeGreaterThan(bill.cost);
      expect(account.unknown % 6n).toBe(0n);
    },
  );

  it('is made again, when only the first was lost: its worst case stays, its record is accepted', async () => {
    const jobId = await engine.addJob({ document: oneStep, records: 1 });
    await engine.put({ faults: { resetAfterBilling: 1 }, firstN: 1 });
    const { generate } = await engine.worker();
    expect(await generate(batchOf(jobId, { size: 1 }))).toMatchObject({ accepted: 1, failed: 0 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(2);
    const [entry] = await entriesOf(engine, jobId);
    expect(account.spent).toBe(
      entry === undefined || entry === 'corrupt' ? null : BigInt(entry.cost),
    );
    expect(account.unknown).toBe(
      entry === undefined || entry === 'corrupt' ? null : BigInt(entry.worst),
    );
  });
});

describe('a provider that asks to wait', () => {
  it.each<FaultKind>(['throttle'])(
    'is waited for within the attempt, at no cost: %s',
    async (fault) => {
      const jobId = await engine.addJob({ document: oneStep, records: 10 });
      await engine.put({ faults: {} });
      await engine.put({ faults: { [fault]: 1 }, forMs: 400 });
      const { generate } = await engine.worker();
      expect(await generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
      const { bill, account } = await judge(engine, jobId);
      expect(bill.calls).toBe(10);
      expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
    },
  );

  it.each<{ fault: FaultKind; waiting: string; retryMsMin: number }>([
    { fault: 'unavailable', waiting: 'provider-down', retryMsMin: 500 },
    { fault: 'modelNotReady', waiting: 'provider-down', retryMsMin: 500 },
    { fault: 'throttleDaily', waiting: 'quota', retryMsMin: 50_000 },
  ])('sends the batch away for a while, and the job says why: $fault', async (row) => {
    const { jobId, ended, worker, input } = await runWith(row.fault, { records: 10 });
    expect(ended).toMatchObject({ type: 'ProviderDown', nonRetryable: false });
    expect(Reflect.get(ended as object, 'nextRetryDelay')).toBeGreaterThanOrEqual(row.retryMsMin);
    expect((await engine.store.jobs.get(jobId))?.waiting?.kind).toBe(row.waiting);
    expect((await judge(engine, jobId)).account).toMatchObject({
      spent: 0n,
      held: 0n,
      unknown: 0n,
    });

    // The circuit is still open: the reason stays what it was.
    const again = await worker.generate(input).catch((error: unknown) => error);
    expect(again).toMatchObject({ type: 'ProviderDown' });
    expect((await engine.store.jobs.get(jobId))?.waiting?.kind).toBe(row.waiting);

    await engine.put({ faults: {} });
    const other = await engine.worker();
    expect(await other.generate(input)).toMatchObject({ kind: 'finished', accepted: 10 });
    const { bill, account } = await judge(engine, jobId);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
  });

  it('costs nothing, when it refuses connections', async () => {
    const jobId = await engine.addJob({ document: oneStep, records: 10 });
    await engine.put({ down: 'refuse' });
    const { generate } = await engine.worker();
    await expect(generate(batchOf(jobId, { window: 2 }))).rejects.toMatchObject({
      type: 'ProviderDown',
    });
    expect((await billOf(engine, jobId)).calls).toBe(0);
    await engine.put({ down: 'no' });
    const other = await engine.worker();
    expect(await other.generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    await judge(engine, jobId);
  });
});

describe('a job that cannot run', () => {
  it('ends without a retry, and nothing is spent, when access is denied', async () => {
    const { jobId, ended } = await runWith('accessDenied', { records: 10 });
    expect(ended).toMatchObject({ type: 'JobCannotRun', nonRetryable: true });
    expect((await judge(engine, jobId)).account).toMatchObject({
      spent: 0n,
      held: 0n,
      unknown: 0n,
    });
  });
});

describe('a breach', () => {
  it('is recorded in full, freezes the account and stops the batch, when more is billed than a call could cost', async () => {
    const { jobId, ended, worker, input } = await runWith('usageAboveBound', { records: 60 });
    expect(ended).toMatchObject({ kind: 'frozen' });
    const account = await accountOf(engine, jobId);
    const bill = await billOf(engine, jobId);
    expect(account).toMatchObject({ status: 'frozen', spent: bill.cost, held: 0n, unknown: 0n });
    expect(bill.calls).toBeLessThan(40);
    // Nothing more is sent, whoever tries.
    await engine.put({ faults: {} });
    expect(await worker.generate(input)).toMatchObject({ kind: 'frozen' });
    expect(await billOf(engine, jobId)).toEqual(bill);
  });
});

describe('many faults at once', () => {
  it.each([1, 2, 3])(
    'never bill more than is counted, whatever their order (seed %i)',
    async (seed) => {
      const jobId = await engine.addJob({ records: 40, limit: '0.08' });
      await engine.put({
        seed,
        faults: {
          throttle: 0.1,
          serverErrorBilled: 0.05,
          resetAfterBilling: 0.05,
          resetBeforeBilling: 0.05,
          truncatedBody: 0.05,
          emptyAnswer: 0.05,
          maxTokens: 0.05,
        },
      });
      const { generate } = await engine.worker();
      const inputs = [0, 1, 2, 3].map((batch) =>
        batchOf(jobId, { batch, start: batch * 10, window: 4, concurrency: 4 }),
      );
      const results = await Promise.all(inputs.map((input) => generate(input)));
      for (const result of results) expect(['finished', 'out-of-money']).toContain(result.kind);
      const { account } = await judge(engine, jobId);
      expect(account.held).toBe(0n);
      const entries = await Promise.all(
        [0, 1, 2, 3].map((batch) => entriesOf(engine, jobId, batch)),
      );
      const journaled = entries
        .flat()
        .reduce((sum, entry) => sum + (entry === 'corrupt' ? 0n : BigInt(entry.cost)), 0n);
      expect(account.spent).toBe(journaled);
    },
  );
});

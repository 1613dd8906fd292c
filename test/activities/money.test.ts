import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { add, pico, usd } from '#domain/money.ts';
import { inActivity } from './activity-context.ts';
import {
  batchOf,
  type Engine,
  entriesOf,
  judge,
  oneStep,
  questionsOf,
  startEngine,
} from './engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** Runs the batch alone until it is finished or finds no money. */
async function runUntilStuck(jobId: string, size: number) {
  const { generate } = await engine.worker();
  const kinds: string[] = [];
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const before = (await judge(engine, jobId)).bill.calls;
    const result = await generate(batchOf(jobId, { size }));
    kinds.push(result.kind);
    const { bill } = await judge(engine, jobId);
    if (result.kind !== 'out-of-money' || bill.calls === before) return { result, kinds };
  }
  throw new Error('it neither ended nor stuck');
}

describe('a batch with too little money', () => {
  it.each(['0.0002', '0.001', '0.0013', '0.002'])(
    'uses all of the limit but less than one call’s worst case: %s USD',
    async (limit) => {
      const jobId = await engine.addJob({ document: oneStep, records: 200, limit });
      const { result } = await runUntilStuck(jobId, 200);
      expect(result.kind).toBe('out-of-money');
      if (result.kind !== 'out-of-money') return;
      const { bill, account } = await judge(engine, jobId);
      expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
      expect(account.available).toBeLessThan(usd(result.needed));
      expect(usd(result.available)).toBe(account.available);
      const questions = questionsOf(await entriesOf(engine, jobId));
      expect(new Set(questions).size).toBe(bill.calls);
    },
  );

  it('uses more than 95 %, when the limit is many calls', async () => {
    const jobId = await engine.addJob({ document: oneStep, records: 200, limit: '0.002' });
    await runUntilStuck(jobId, 200);
    const { account } = await judge(engine, jobId);
    expect(Number(account.spent) / Number(account.limit)).toBeGreaterThan(0.95);
  });

  it('goes on with what is there and pays nothing again, when the limit is raised', async () => {
    const jobId = await engine.addJob({ records: 10, limit: '0.0002' });
    const { result } = await runUntilStuck(jobId, 10);
    expect(result.kind).toBe('out-of-money');
    const partly = (await judge(engine, jobId)).bill;
    expect(partly.calls).toBeGreaterThan(0);

    const limit = usd('0.10');
    await engine.store.ledger.execute({ kind: 'set-limit', account: jobId, limit });
    const { generate } = await engine.worker();
    expect(await generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(20);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
  });

  it('starts exactly at the worst case of its first call, and not one pUSD below', async () => {
    const { generate } = await engine.worker();
    const probe = await engine.addJob({ document: oneStep, records: 1, limit: '0.00000001' });
    const refused = await generate(batchOf(probe, { size: 1 }));
    expect(refused.kind).toBe('out-of-money');
    if (refused.kind !== 'out-of-money') return;
    const needed = usd(refused.needed);
    const execute = (limit: typeof needed) =>
      engine.store.ledger.execute({ kind: 'set-limit', account: probe, limit });
    await execute(pico(needed - 1n));
    expect(await generate(batchOf(probe, { size: 1 }))).toMatchObject({ kind: 'out-of-money' });
    expect((await judge(engine, probe)).bill.calls).toBe(0);
    await execute(needed);
    expect(await generate(batchOf(probe, { size: 1 }))).toMatchObject({ kind: 'finished' });
    expect((await judge(engine, probe)).bill.calls).toBe(1);
  });

  it('never overspends together with others of its job, when all of them want the rest', async () => {
    const jobId = await engine.addJob({ records: 80, limit: '0.001', document: oneStep });
    const workers = await Promise.all([engine.worker(), engine.worker()]);
    for (let round = 0; round < 3; round += 1) {
      const runs = Array.from({ length: 8 }, async (_, batch) => {
        const worker = workers[batch % 2];
        if (worker === undefined) throw new Error('two workers run');
        return worker.generate(
          batchOf(jobId, { batch, start: batch * 10, window: 8, concurrency: 2 }),
        );
      });
      await Promise.all(runs);
      const { bill, account } = await judge(engine, jobId);
      expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
      expect(add(account.spent, account.available)).toBe(account.limit);
    }
  });

  it('leaves unknown money counted, when it was lost on the way', async () => {
    const jobId = await engine.addJob({ document: oneStep, records: 40, limit: '0.002' });
    await engine.put({ faults: { resetAfterBilling: 0.5 } });
    const { result } = await runUntilStuck(jobId, 40);
    await engine.put({ faults: {} });
    expect(result.kind).toBe('out-of-money');
    const other = await engine.worker();
    const settled = await inActivity(() => other.activities.settleAccount({ jobId }));
    const { bill, account } = await judge(engine, jobId);
    expect(account.unknown).toBeGreaterThan(0n);
    expect(bill.cost).toBeGreaterThan(account.spent);
    expect(usd(settled.unknown)).toBe(account.unknown);
  });
});

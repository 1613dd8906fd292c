import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePart, partKey } from '#activities/part.ts';
import { add, pico, usd, zero } from '#domain/money.ts';
import { batchKey } from '#domain/plan.ts';
import {
  batchOf,
  billOf,
  type Engine,
  entriesOf,
  judge,
  questionsOf,
  startEngine,
} from './engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

describe('a batch', () => {
  it('is finished, and every answer is journaled, captured and in its part, when all goes well', async () => {
    const jobId = await engine.addJob();
    const { generate } = await engine.worker();
    const result = await generate(batchOf(jobId));
    expect(result).toMatchObject({
      kind: 'finished',
      batch: 0,
      accepted: 10,
      rejected: 0,
      failed: 0,
    });

    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(20);
    expect(account.spent).toBe(bill.cost);
    expect(account.held).toBe(0n);
    expect(account.unknown).toBe(0n);

    const entries = await entriesOf(engine, jobId);
    const questions = questionsOf(entries);
    expect(new Set(questions).size).toBe(20);
    const part = decodePart(
      (await engine.store.objects.get(partKey(jobId, batchKey(0)))) ?? new Uint8Array(),
    );
    expect(part?.lines.map(({ line }) => line['index'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const inPart = add(
      zero,
      ...(part?.lines ?? []).map(({ provenance }) => usd(provenance.cost_usd)),
    );
    expect(inPart).toBe(bill.cost);
    const texts = part?.lines.map(({ line }) => JSON.stringify(line['steps']));
    const answered = new Map(
      entries.map((entry) =>
        entry === 'corrupt' ? ['', ''] : [`${entry.record}/${entry.step}`, entry.text],
      ),
    );
    expect(texts).toEqual(
      Array.from({ length: 10 }, (_, index) =>
        JSON.stringify({
          facts: answered.get(`${index}/facts`),
          blurb: answered.get(`${index}/blurb`),
        }),
      ),
    );
    const job = await engine.store.jobs.get(jobId);
    expect(job?.progress).toEqual({ accepted: 10, rejected: 0, failed: 0, calls: 20 });
  });

  it('makes no call and opens no hold, when its part stands', async () => {
    const jobId = await engine.addJob();
    const first = await engine.worker();
    const result = await first.generate(batchOf(jobId));
    const billed = await billOf(engine, jobId);
    const second = await engine.worker();
    expect(await second.generate(batchOf(jobId))).toEqual(result);
    expect(await billOf(engine, jobId)).toEqual(billed);
    expect(await engine.store.ledger.holdsOfBatch(jobId, batchKey(0))).toHaveLength(1);
  });

  it('uses the seed rows and indexes of its range, when it is not the first', async () => {
    const jobId = await engine.addJob({ records: 25 });
    const { generate } = await engine.worker();
    await generate(batchOf(jobId, { batch: 2, start: 20, size: 5 }));
    const bytes = await engine.store.objects.get(partKey(jobId, batchKey(2)));
    const part = decodePart(bytes ?? new Uint8Array());
    expect(part?.lines.map(({ line }) => line['id'])).toEqual(
      [20, 21, 22, 23, 24].map((index) => `bbbbbbbbbbbb-0000${index}`),
    );
  });

  it('runs beside another of its job, and both bills add up', async () => {
    const jobId = await engine.addJob({ records: 20 });
    const { generate } = await engine.worker();
    const inputs = [
      batchOf(jobId, { window: 2, concurrency: 2 }),
      batchOf(jobId, { batch: 1, start: 10, window: 2, concurrency: 2 }),
    ];
    await Promise.all(inputs.map((input) => generate(input)));
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(40);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
  });

  it('cannot run, and says why, when its job is not in the store', async () => {
    const { generate } = await engine.worker();
    await expect(generate(batchOf('job_absent'))).rejects.toMatchObject({
      type: 'JobCannotRun',
      nonRetryable: true,
    });
  });

  it('is out of money before any call, when one call’s worst case is not available', async () => {
    const jobId = await engine.addJob({ limit: '0.00000001' });
    const { generate } = await engine.worker();
    const result = await generate(batchOf(jobId));
    expect(result).toMatchObject({ kind: 'out-of-money', available: '0.00000001' });
    expect((await judge(engine, jobId)).bill).toEqual({ calls: 0, cost: pico(0n) });
  });
});

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, type Manifest } from '#domain/manifest.ts';
import { add, formatUsd, pico, usd, zero } from '#domain/money.ts';
import { batchRange } from '#domain/plan.ts';
import { inActivity } from './activity-context.ts';
import { batchOf, type Engine, judge, planOf, startEngine, type TestWorker } from './engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const records = 33;
const plan = planOf(records);

async function generateAll(
  worker: TestWorker,
  jobId: string,
  batches: readonly number[],
  concurrency: number,
) {
  for (const batch of batches) {
    const range = batchRange(plan, batch);
    await worker.generate(batchOf(jobId, { batch, ...range, concurrency }));
  }
}

async function exportOf(
  worker: TestWorker,
  jobId: string,
  status: 'completed' | 'cancelled' = 'completed',
) {
  return inActivity(() => worker.activities.exportDataset({ jobId, plan, number: 1, status }));
}

async function fileOf(jobId: string, name: string): Promise<Buffer> {
  const prefix = (await engine.store.jobs.get(jobId))?.output?.prefix;
  const bytes = await engine.store.objects.get(`${prefix}/${name}`);
  if (bytes === null) throw new Error(`${name} was not exported`);
  return Buffer.from(bytes);
}

function digest(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function manifestOf(jobId: string): Promise<Manifest> {
  return JSON.parse((await fileOf(jobId, 'manifest.json')).toString()) as Manifest;
}

/** What every manifest must say, whatever the job did. */
async function expectSound(jobId: string): Promise<Manifest> {
  const manifest = await manifestOf(jobId);
  const { manifest_sha256: own, ...rest } = manifest;
  expect(digest(canonicalJson(JSON.parse(JSON.stringify(rest))))).toBe(own);
  for (const file of manifest.files) {
    const bytes = await fileOf(jobId, file.path);
    const lines = bytes.toString().split('\n').slice(0, -1);
    const indexes = lines.map((line) => Number(JSON.parse(line).index));
    expect(file).toEqual({
      path: file.path,
      bytes: bytes.length,
      rows: lines.length,
      sha256: digest(bytes),
      first_index: indexes[0] ?? null,
      last_index: indexes.at(-1) ?? null,
    });
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
  }
  const { requested, accepted, rejected, failed, not_started: notStarted } = manifest.records;
  expect(accepted + rejected + failed + notStarted).toBe(requested);
  const {
    limit,
    spent,
    held,
    unknown,
    available,
    in_records: used,
    not_used: rest2,
  } = manifest.cost;
  expect(usd(limit)).toBe(add(usd(spent), usd(held), usd(unknown), usd(available)));
  expect(usd(spent)).toBe(add(usd(used), usd(rest2)));
  const origins = (await fileOf(jobId, 'provenance.jsonl')).toString().split('\n').slice(0, -1);
  const cost = add(zero, ...origins.map((line) => usd(JSON.parse(line).cost_usd)));
  expect(used).toBe(formatUsd(cost));
  return manifest;
}

describe('exportDataset', () => {
  it('gives the same bytes for the same spec, whatever the order of batches and the concurrency', async () => {
    const [one, other] = [await engine.addJob({ records }), await engine.addJob({ records })];
    const worker = await engine.worker();
    await generateAll(worker, one, [0, 1, 2, 3], 1);
    await engine.put({ latency: { ms: 0, jitterMs: 10 } });
    const second = await engine.worker();
    await Promise.all([3, 1, 2, 0].map((batch) => generateAll(second, other, [batch], 8)));
    await engine.put({});
    await exportOf(worker, one);
    await exportOf(second, other);
    const bytes = await fileOf(one, 'records.jsonl');
    expect(bytes.toString().split('\n')).toHaveLength(records + 1);
    expect(digest(await fileOf(other, 'records.jsonl'))).toBe(digest(bytes));
  });

  it('counts and digests what it delivers, and the job points at it', async () => {
    const jobId = await engine.addJob({ records });
    // By prompt, so that some records fail for good and others do not.
    await engine.put({ seed: 3, faults: { maxTokens: 0.2 }, chooseBy: 'prompt' });
    const worker = await engine.worker();
    await generateAll(worker, jobId, [0, 1, 2, 3], 4);
    await engine.put({});
    const result = await exportOf(worker, jobId);
    expect(result.failed).toBeGreaterThan(0);
    expect(result.accepted).toBeGreaterThan(0);
    const manifest = await expectSound(jobId);
    expect(manifest.records).toMatchObject({
      requested: records,
      accepted: result.accepted,
      failed: result.failed,
      not_started: 0,
    });
    expect(manifest.files.map(({ rows }) => rows)).toEqual([
      result.accepted,
      records,
      result.failed,
    ]);
    const { bill, account } = await judge(engine, jobId);
    expect(manifest.calls).toBe(bill.calls);
    expect(usd(manifest.cost.in_records)).toBe(bill.cost);
    expect(usd(manifest.cost.spent)).toBe(account.spent);
    const job = await engine.store.jobs.get(jobId);
    expect(job?.output?.manifestSha256).toBe(manifest.manifest_sha256);
    const listed = job?.output?.files.find(({ path }) => path === 'manifest.json');
    expect(listed?.sha256).toBe(digest(await fileOf(jobId, 'manifest.json')));
  });

  it('delivers what the parts and the journal have, when the job is not finished', async () => {
    const jobId = await engine.addJob({ records });
    const worker = await engine.worker();
    await generateAll(worker, jobId, [1], 4);
    // Batch 0 runs out of money on its way: some of its records are whole, and some are half.
    const { spent } = (await judge(engine, jobId)).account;
    const limit = pico(spent + 300_000_000n);
    await engine.store.ledger.execute({ kind: 'set-limit', account: jobId, limit });
    const stuck = await worker.generate(batchOf(jobId, { concurrency: 1 }));
    expect(stuck.kind).toBe('out-of-money');
    const billed = (await judge(engine, jobId)).bill;
    const result = await exportOf(worker, jobId, 'cancelled');
    const manifest = await expectSound(jobId);
    expect(manifest.status).toBe('cancelled');
    expect(result.accepted).toBeGreaterThanOrEqual(10);
    expect(result.notStarted).toBe(records - result.accepted);
    expect(result.damaged).toEqual([]);
    // Answers of unfinished records were paid, and are in no record.
    expect(usd(manifest.cost.spent)).toBe(billed.cost);
    const unfinished = billed.calls - manifest.calls;
    expect(usd(manifest.cost.not_used) > 0n).toBe(unfinished > 0);
    expect((await judge(engine, jobId)).bill).toEqual(billed);
  });

  it('delivers empty files, when nothing was started', async () => {
    const jobId = await engine.addJob({ records });
    const worker = await engine.worker();
    const result = await exportOf(worker, jobId, 'cancelled');
    expect(result).toMatchObject({ accepted: 0, failed: 0, notStarted: records });
    const manifest = await expectSound(jobId);
    expect(manifest.files.map(({ bytes }) => bytes)).toEqual([0, 0, 0]);
  });

  it('ends with the same files, when it is run again', async () => {
    const jobId = await engine.addJob({ records });
    const worker = await engine.worker();
    await generateAll(worker, jobId, [0, 1, 2, 3], 8);
    await exportOf(worker, jobId);
    const before = digest(await fileOf(jobId, 'provenance.jsonl'));
    await exportOf(await engine.worker(), jobId);
    expect(digest(await fileOf(jobId, 'provenance.jsonl'))).toBe(before);
    await expectSound(jobId);
  });
});

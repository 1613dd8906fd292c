import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePart, partKey } from '#activities/part.ts';
import { batchKey } from '#domain/plan.ts';
import { inActivity } from './activity-context.ts';
import { batchOf, type Engine, entriesOf, judge, planOf, startEngine } from './engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const journalOf = (jobId: string) => join(engine.home, 'journal', jobId, batchKey(0), '1.jsonl');
const partOf = (jobId: string) => join(engine.home, 'objects', partKey(jobId, batchKey(0)));

/** Flips one bit in the middle of a line's text. */
async function damage(path: string, line: number): Promise<void> {
  const bytes = await readFile(path);
  let at = 0;
  for (let seen = 0; seen < line; seen += 1) at = bytes.indexOf(0x0a, at) + 1;
  const middle = at + Math.floor((bytes.indexOf(0x0a, at) - at) / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await writeFile(path, bytes);
}

async function finishedJob(): Promise<string> {
  const jobId = await engine.addJob();
  const { generate } = await engine.worker();
  await generate(batchOf(jobId));
  return jobId;
}

async function exported(jobId: string, number = 1) {
  const worker = await engine.worker();
  return inActivity(() =>
    worker.activities.exportDataset({ jobId, plan: planOf(10), number, status: 'completed' }),
  );
}

/** The newest export's records. */
async function recordsOf(jobId: string): Promise<Uint8Array | null> {
  const prefix = (await engine.store.jobs.get(jobId))?.output?.prefix;
  return engine.store.objects.get(`${prefix}/records.jsonl`);
}

describe('a damaged journal', () => {
  it('costs one more call for each damaged answer, and no other is asked again', async () => {
    const jobId = await finishedJob();
    await damage(journalOf(jobId), 3);
    await damage(journalOf(jobId), 7);
    await engine.store.objects.delete(partKey(jobId, batchKey(0)));
    const { generate } = await engine.worker();
    expect(await generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(22);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
    const entries = await entriesOf(engine, jobId);
    expect(entries.filter((entry) => entry === 'corrupt')).toHaveLength(2);
  });

  it('is not looked at, when the part stands', async () => {
    const jobId = await finishedJob();
    await damage(journalOf(jobId), 0);
    const { generate } = await engine.worker();
    expect(await generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    expect((await judge(engine, jobId)).bill.calls).toBe(20);
  });
});

describe('a damaged part', () => {
  it('is made again from the journal while exporting, without a call', async () => {
    const jobId = await finishedJob();
    const before = await readFile(partOf(jobId));
    const first = await exported(jobId);
    const records = await recordsOf(jobId);
    await damage(partOf(jobId), 4);
    const result = await exported(jobId, 2);
    expect(result).toMatchObject({ accepted: 10, notStarted: 0, damaged: [] });
    expect(records).not.toBeNull();
    expect(await recordsOf(jobId)).toEqual(records);
    expect(result.accepted).toBe(first.accepted);
    expect(decodePart(await readFile(partOf(jobId)))).not.toBeNull();
    expect((await readFile(partOf(jobId))).length).toBe(before.length);
    expect((await judge(engine, jobId)).bill.calls).toBe(20);
  });

  it('is made again by its batch too, without a call', async () => {
    const jobId = await finishedJob();
    await damage(partOf(jobId), 0);
    const { generate } = await engine.worker();
    expect(await generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    expect((await judge(engine, jobId)).bill.calls).toBe(20);
  });

  it('is told as damaged, when its journal is damaged too, and is whole after one more run', async () => {
    const jobId = await finishedJob();
    await damage(partOf(jobId), 2);
    await damage(journalOf(jobId), 5);
    const result = await exported(jobId);
    expect(result).toMatchObject({ failed: 0, damaged: [0] });
    expect(result.accepted + result.notStarted).toBe(10);
    expect(result.notStarted).toBeGreaterThan(0);
    const { generate } = await engine.worker();
    expect(await generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    expect((await judge(engine, jobId)).bill.calls).toBe(21);
    expect(await exported(jobId, 2)).toMatchObject({ accepted: 10, notStarted: 0, damaged: [] });
  });

  it.each([
    { is: 'empty', bytes: '' },
    { is: 'one line', bytes: '{"kind":"end"}\n' },
    { is: 'no JSON', bytes: '\u0000\u0000\n' },
  ])('is never taken for a part: $is', ({ bytes }) => {
    expect(decodePart(new TextEncoder().encode(bytes))).toBeNull();
  });
});

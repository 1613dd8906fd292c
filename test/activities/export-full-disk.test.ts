import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActivityPorts } from '#activities/ports.ts';
import { batchRange } from '#domain/plan.ts';
import type { Objects } from '#store/contract.ts';
import { inActivity } from './activity-context.ts';
import { batchOf, type Engine, judge, planOf, startEngine, type TestWorker } from './engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const records = 20;
const plan = planOf(records);

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

/** The disk is full at the n-th of an export's writes: lines, commits and the manifest. */
function fullAt(at: number) {
  let writes = 0;
  const spend = async (): Promise<void> => {
    writes += 1;
    if (writes === at) throw full;
  };
  const wrap = (ports: ActivityPorts): ActivityPorts => {
    const { objects } = ports.store;
    const failing: Objects = {
      ...objects,
      async put(key, bytes) {
        await spend();
        await objects.put(key, bytes);
      },
      async write(key) {
        const writer = await objects.write(key);
        return {
          write: async (bytes) => {
            await spend();
            await writer.write(bytes);
          },
          commit: async () => {
            await spend();
            await writer.commit();
          },
          abort: () => writer.abort(),
        };
      },
    };
    return { ...ports, store: { ...ports.store, objects: failing } };
  };
  return { wrap, writes: () => writes };
}

function exportWith(worker: TestWorker, jobId: string) {
  const input = { jobId, plan, number: 1, status: 'completed' as const };
  return inActivity(() => worker.activities.exportDataset(input));
}

async function generatedJob(): Promise<string> {
  const jobId = await engine.addJob({ records });
  const worker = await engine.worker();
  for (let batch = 0; batch < plan.batches; batch += 1) {
    await worker.generate(batchOf(jobId, { batch, ...batchRange(plan, batch) }));
  }
  return jobId;
}

describe('a disk that is full while a job is exported', () => {
  it('delivers nothing, leaves no temporary file and costs nothing, at whichever write it happens; the next attempt delivers all', async () => {
    const jobId = await generatedJob();
    const { bill } = await judge(engine, jobId);
    const counting = fullAt(0);
    const whole = await exportWith(await engine.worker({ wrap: counting.wrap }), jobId);
    // Records and their provenance for two batches, three commits, the manifest.
    expect(counting.writes()).toBeGreaterThanOrEqual(8);
    const delivered = (await engine.store.jobs.get(jobId))?.output;
    for (let at = 1; at <= counting.writes(); at += 1) {
      const worker = await engine.worker({ wrap: fullAt(at).wrap });
      await expect(exportWith(worker, jobId)).rejects.toThrow('ENOSPC');
      // What was delivered before stands until all of the new export does.
      expect((await engine.store.jobs.get(jobId))?.output).toEqual(delivered);
      const folders = readdirSync(join(engine.home, 'objects'), { recursive: true });
      expect(folders.filter((name) => basename(String(name)).startsWith('~'))).toEqual([]);
    }
    expect(await exportWith(await engine.worker(), jobId)).toMatchObject({
      accepted: whole.accepted,
      failed: whole.failed,
      notStarted: 0,
    });
    expect((await judge(engine, jobId)).bill).toEqual(bill);
  });
});

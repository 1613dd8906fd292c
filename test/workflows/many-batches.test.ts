import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Activities, BatchInput } from '#activities/contract.ts';
import { projectFile } from '#cli/environment.ts';
import { generateDatasetType, type Plan, signals, workflowIdOf } from '#workflows/contract.ts';
import type { DatasetResult } from '#workflows/contract.ts';

const address = inject('temporalAddress');
const batches = 3_000;
const batchRecords = 200;
/** The last batch is short, so that a batch counted twice or not at all changes every sum. */
const records = batches * batchRecords - 77;
const plan: Plan = {
  records,
  batchRecords,
  batches,
  window: 40,
  concurrency: 40,
  template: 'many-batches',
  models: ['amazon.nova-lite-v1:0'],
};

interface Seen {
  readonly runs: Set<string>;
  readonly attempts: Map<number, BatchInput[]>;
  readonly finished: number[];
  readonly statuses: string[];
}

/** Plausible results at once: what is under test is how the workflow gets through so many. */
function plausible(seen: Seen): Activities {
  return {
    planJob: async () => ({ kind: 'planned', plan }),
    changeStatus: async ({ to }) => void seen.statuses.push(to),
    async generateBatch(input) {
      seen.runs.add(Context.current().info.workflowExecution?.runId ?? '');
      const attempts = [...(seen.attempts.get(input.batch) ?? []), input];
      seen.attempts.set(input.batch, attempts);
      // Some batches come back once: they are done again, in this run or in the next one.
      if (input.batch % 211 === 0 && attempts.length === 1) {
        return { kind: 'handed-back', batch: input.batch };
      }
      seen.finished.push(input.batch);
      const failed = input.batch % 3;
      const accepted = input.size - failed;
      return { kind: 'finished', batch: input.batch, accepted, rejected: 0, failed, isLent: false };
    },
    settleAccount: async () => ({ spent: '1.00', unknown: '0.00', available: '0.00' }),
    async exportDataset() {
      const sizes = seen.finished.map((batch) => seen.attempts.get(batch)?.[0]?.size ?? 0);
      const failed = seen.finished.reduce((sum, batch) => sum + (batch % 3), 0);
      const accepted = sizes.reduce((sum, size) => sum + size, 0) - failed;
      const notStarted = records - accepted - failed;
      return { accepted, rejected: 0, failed, notStarted, manifestSha256: 'sha', damaged: [] };
    },
  };
}

let connection: Connection;
let native: NativeConnection;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
});
afterAll(async () => {
  await native.close();
  await connection.close();
});

describe('a job of 3,000 batches', () => {
  it('finishes each batch once over several runs, keeping signals and totals, when it continues as new', async () => {
    const seen: Seen = { runs: new Set(), attempts: new Map(), finished: [], statuses: [] };
    const taskQueue = `many-batches-${randomUUID()}`;
    const worker = await Worker.create({
      connection: native,
      taskQueue,
      workflowsPath: projectFile('workflows', 'index.ts'),
      activities: { ...plausible(seen) },
    });
    const handle = await new Client({ connection }).workflow.start(generateDatasetType, {
      taskQueue,
      workflowId: workflowIdOf(randomUUID()),
      args: [{ jobId: 'job_many', settings: { heartbeatTimeoutMs: 30_000 } }],
    });
    await handle.signal(signals.setWindow, 36);
    const result: DatasetResult = await worker.runUntil(() => handle.result());

    const all = Array.from({ length: batches }, (_, batch) => batch);
    expect(seen.finished.toSorted((a, b) => a - b)).toEqual(all);
    const handedBack = all.filter((batch) => batch % 211 === 0);
    const twice = all.filter((batch) => seen.attempts.get(batch)?.length !== 1);
    expect(twice).toEqual(handedBack);
    expect(seen.runs.size).toBeGreaterThanOrEqual(6);
    expect(result).toMatchObject({ status: 'completed', failed: batches, notStarted: 0 });
    expect(result.accepted).toBe(records - batches);
    expect(seen.statuses).toEqual(['running', 'finalizing', 'completed']);
    const windows = new Set([...seen.attempts.values()].flat().map(({ window }) => window));
    expect(windows).toEqual(new Set([36]));
    // The planned ranges cover the records without a gap, whatever run started them.
    const ranges = all.map((batch) => seen.attempts.get(batch)?.[0]);
    expect(ranges.every((range, batch) => range?.start === batch * batchRecords)).toBe(true);
    const { historyLength } = await handle.describe();
    expect(historyLength).toBeLessThan(4_000);
  }, 300_000);
});

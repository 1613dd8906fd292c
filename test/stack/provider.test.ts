import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobBody } from '#cli/job-body.ts';
import { usd } from '#domain/money.ts';
import { expectEveryIndexOnce, expectExportVerifies, expectMoneyAddsUp } from './checks.ts';
import { startTestStack, type TestStack } from './stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ workers: 1 });
});
afterAll(() => stack.stop());

const records = 240;
const well = { latency: { ms: 40 } };

/** A job that has its first answers, and not its last. */
async function runningJob(): Promise<JobBody> {
  await stack.knobs(well);
  const { id } = await stack.submit({ records });
  return await stack.until(id, (job) => job.records.accepted >= 20);
}

/** The bill once no call is on the way to it. */
async function billAtRest(id: string) {
  for (;;) {
    if ((await stack.stats()).inFlight === 0) return await stack.billed(id);
    await pause(50);
  }
}

async function expectCompletedWhole(id: string): Promise<JobBody> {
  const job = await stack.untilEnded(id);
  expect(job).toMatchObject({ status: 'completed', records: { accepted: records, failed: 0 } });
  expect(job.waiting).toBeNull();
  await expectEveryIndexOnce(stack, job);
  await expectMoneyAddsUp(stack, job);
  await expectExportVerifies(stack, job);
  return job;
}

describe('a provider in trouble', () => {
  it('throttling: costs nothing while it lasts, says so and fails no record, when every call is refused for a while', async () => {
    const { id } = await runningJob();
    await stack.knobs({ ...well, faults: { throttle: 1 } });
    const before = await billAtRest(id);
    const fired = (await stack.faults())['throttle'] ?? 0;
    const waiting = await stack.until(id, (job) => job.waiting?.kind === 'throttled');
    expect(waiting.status).toBe('running');
    expect(await stack.billed(id)).toEqual(before);
    // Backed off: it asks a few times, one call at a time, instead of storming.
    expect((await stack.faults())['throttle'] ?? 0).toBeLessThan(fired + 20);
    await stack.knobs(well);
    const job = await expectCompletedWhole(id);
    expect(job.cost.unknown).toBe('0.00');
    expect((await stack.billed(id)).calls).toBe(records * 2);
  });

  it('lost answers: stay counted at their worst and fail no record, when one call in ten is cut off', async () => {
    await stack.knobs({ ...well, faults: { resetAfterBilling: 0.05, resetBeforeBilling: 0.05 } });
    const { id } = await stack.submit({ records });
    const job = await expectCompletedWhole(id);
    const fired = await stack.faults();
    expect(fired['resetAfterBilling']).toBeGreaterThan(0);
    expect(fired['resetBeforeBilling']).toBeGreaterThan(0);
    expect(usd(job.cost.unknown)).toBeGreaterThan(0n);
    const { pico } = await stack.billed(id);
    expect(pico).toBeGreaterThan(usd(job.cost.spent));
    expect(pico).toBeLessThanOrEqual(usd(job.cost.limit));
  });

  it('down: is waited for and fails no record, when it cuts off every call', async () => {
    const { id } = await runningJob();
    await stack.knobs({ ...well, down: 'refuse' });
    const waiting = await stack.until(id, (job) => job.waiting?.kind === 'provider-down');
    expect(waiting.status).toBe('running');
    await stack.knobs(well);
    await expectCompletedWhole(id);
  });

  it('down: is waited for and fails no record, when nothing listens', async () => {
    const { id } = await runningJob();
    let killed = 0;
    // It is started again each time: killed until the job has seen enough of it.
    const waiting = await stack.until(id, (job) => {
      killed += stack.signal('simulator', 'SIGKILL');
      return job.waiting?.kind === 'provider-down';
    });
    expect(waiting.status).toBe('running');
    expect(killed).toBeGreaterThan(0);
    await stack.knobs(well);
    await expectCompletedWhole(id);
  });
});

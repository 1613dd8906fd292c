import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { usd } from '#domain/money.ts';
import { expectEveryIndexOnce, expectExportVerifies, expectMoneyAddsUp } from './checks.ts';
import { fallAsleep } from './fall-asleep.ts';
import { startTestStack, type TestStack } from './stack.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ workers: 2, knobs: { latency: { ms: 150 } } });
});
afterAll(() => stack.stop());

const records = 300;
const concurrency = 16;

describe('a worker that sleeps past its heartbeat', () => {
  it.each([
    { wakes: 'while the job runs', isLate: false },
    { wakes: 'after the job has ended', isLate: true },
  ])('makes no second record and takes no money, when it wakes $wakes', async ({ isLate }) => {
    const { id } = await stack.submit({ records, concurrency });
    await stack.until(id, (job) => job.records.accepted >= 20);
    await fallAsleep(stack, 'worker-1');
    // Its holds are abandoned when the other worker takes its batches: then money is unknown.
    await stack.until(id, ({ cost }) => usd(cost.unknown) > 0n);
    if (isLate) await stack.untilEnded(id);
    expect(stack.signal('worker-1', 'SIGCONT')).toBe(1);
    const job = await stack.untilEnded(id);
    expect(job).toMatchObject({ status: 'completed', records: { accepted: records, failed: 0 } });
    await expectEveryIndexOnce(stack, job);
    await expectMoneyAddsUp(stack, job);
    const { manifest } = await expectExportVerifies(stack, job);
    // Each record names one paid call per step. What the zombie called beyond, until a refused command
    // stopped it, was paid from its own holds: told apart, and within what was held for it.
    expect(manifest.calls).toBe(records * 2);
    const { pico } = await stack.billed(id);
    const inRecords = usd(manifest.cost.in_records);
    expect(pico).toBeGreaterThanOrEqual(inRecords);
    // Read after the bill: what is billed was held before.
    const { cost } = await stack.api.job(id);
    expect(pico).toBeLessThanOrEqual(usd(cost.spent) + usd(cost.held) + usd(cost.unknown));
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { usd } from '#domain/money.ts';
import { expectEveryIndexOnce, expectExportVerifies, expectMoneyAddsUp } from './checks.ts';
import { startTestStack, type TestStack } from './stack.ts';

let stack: TestStack | null = null;

afterEach(async () => {
  await stack?.stop();
  stack = null;
});

describe('a job whose limit is too small', () => {
  it('uses it up, delivers what it paid for, and goes on where it stopped, when the limit is raised', async () => {
    stack = await startTestStack({ workers: 2, knobs: { latency: { ms: 20 } } });
    const records = 400;
    const { id } = await stack.submit({ records, limit: '0.01' });
    const poor = await stack.until(id, ({ status }) => status === 'budget_exhausted');
    const { pico: billed } = await stack.billed(id);
    const limit = usd(poor.cost.limit);
    expect(billed).toBeLessThanOrEqual(limit);
    // Only what pays for no further call is left, and one call is small against the limit.
    const used = usd(poor.cost.spent) + usd(poor.cost.unknown);
    expect(used).toBeGreaterThan((limit * 95n) / 100n);
    expect(poor.waiting?.kind).toBe('out-of-money');
    await expectMoneyAddsUp(stack, poor);

    const { manifest: partial } = await expectExportVerifies(stack, poor);
    expect(partial.status).toBe('budget_exhausted');
    expect(partial.records.accepted).toBeGreaterThan(0);
    expect(partial.records.not_started).toBeGreaterThan(0);

    await stack.api.setLimit(id, '1.00');
    const job = await stack.untilEnded(id);
    expect(job).toMatchObject({ status: 'completed', records: { accepted: records } });
    await expectEveryIndexOnce(stack, job);
    await expectMoneyAddsUp(stack, job);
    const { manifest } = await expectExportVerifies(stack, job);
    expect(manifest).toMatchObject({ status: 'completed', records: { accepted: records } });
    // Nothing was paid twice, and every answer that was paid is in the dataset.
    expect((await stack.billed(id)).calls).toBe(records * 2);
    expect(manifest.cost.not_used).toBe('0.00');
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { expectMoneyAddsUp } from './checks.ts';
import { startTestStack, type TestStack } from './stack.ts';

let stack: TestStack | null = null;

afterEach(async () => {
  await stack?.stop();
  stack = null;
});

const spec = { records: 300, concurrency: 12, job_seed: 7 };
const knobs = { latency: { ms: 40, jitterMs: 40 } };

async function filesOf(its: TestStack, id: string): Promise<readonly string[]> {
  return [await its.download(id, 'records.jsonl'), await its.download(id, 'failures.jsonl')];
}

describe('a job over several workers', () => {
  it('gives the same bytes as one undisturbed worker and keeps to its concurrency, when three run, and when they are killed', async () => {
    stack = await startTestStack({ workers: 1, knobs });
    const alone = await stack.untilEnded((await stack.submit(spec)).id);
    expect(alone).toMatchObject({ status: 'completed', records: { accepted: spec.records } });
    const expected = await filesOf(stack, alone.id);
    await stack.stop();

    stack = await startTestStack({ workers: 3, knobs });
    const beside = await stack.untilEnded((await stack.submit(spec)).id);
    expect(await filesOf(stack, beside.id)).toEqual(expected);
    const { inFlightMax } = await stack.stats();
    expect(inFlightMax).toBeLessThanOrEqual(spec.concurrency);
    expect(inFlightMax).toBeGreaterThan(spec.concurrency / 2);

    const { id } = await stack.submit(spec);
    let killed = 0;
    for (const [worker, due] of [
      ['worker-1', 20],
      ['worker-2', 80],
      ['worker-3', 140],
      ['worker-1', 200],
    ] as const) {
      await stack.until(id, ({ records }) => records.accepted >= due);
      killed += stack.signal(worker, 'SIGKILL');
    }
    const disturbed = await stack.untilEnded(id);
    expect(killed).toBeGreaterThanOrEqual(3);
    expect(disturbed.status).toBe('completed');
    expect(await filesOf(stack, id)).toEqual(expected);
    await expectMoneyAddsUp(stack, disturbed);
  });
});

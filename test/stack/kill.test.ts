import { afterEach, describe, expect, it } from 'vitest';
import { expectEveryIndexOnce, expectMoneyAddsUp } from './checks.ts';
import { startTestStack, type TestStack } from './stack.ts';

let stack: TestStack | null = null;

afterEach(async () => {
  await stack?.stop();
  stack = null;
});

const records = 500;
const concurrency = 16;
/** Two steps each: the calls that a job needs when nothing goes wrong. */
const callsNeeded = records * 2;

/** Kills once per fifth of the job, each time after more records have ended than at the kill before. */
async function killFiveTimes(its: TestStack, kill: () => void, id: string): Promise<void> {
  for (let kills = 1; kills <= 5; kills += 1) {
    const due = kills * 50;
    await its.until(id, (job) => job.records.accepted >= due);
    kill();
  }
}

describe('a job whose processes are killed', () => {
  it('workers: has every record once and pays again at most what was in flight, when each is killed -9 five times', async () => {
    stack = await startTestStack({ workers: 1, knobs: { latency: { ms: 60 } } });
    const its = stack;
    const { id } = await its.submit({ records, concurrency });
    let killed = 0;
    await killFiveTimes(its, () => void (killed += its.signal('worker', 'SIGKILL')), id);
    const job = await its.untilEnded(id);
    expect(killed).toBe(5);
    expect(job).toMatchObject({ status: 'completed', records: { accepted: records } });
    await expectEveryIndexOnce(its, job);
    await expectMoneyAddsUp(its, job);
    const { calls } = await its.billed(id);
    expect(calls - callsNeeded).toBeLessThanOrEqual(killed * concurrency);
  }, 300_000);

  it('workers: pays nothing again and leaves nothing unknown, when each is ended with SIGTERM five times', async () => {
    stack = await startTestStack({ workers: 1, knobs: { latency: { ms: 60 } } });
    const its = stack;
    const { id } = await its.submit({ records, concurrency });
    let ended = 0;
    await killFiveTimes(its, () => void (ended += its.signal('worker', 'SIGTERM')), id);
    const job = await its.untilEnded(id);
    expect(ended).toBe(5);
    expect(job).toMatchObject({ status: 'completed', records: { accepted: records } });
    await expectEveryIndexOnce(its, job);
    await expectMoneyAddsUp(its, job);
    expect(job.cost.unknown).toBe('0.00');
    expect((await its.billed(id)).calls).toBe(callsNeeded);
  }, 300_000);

  it('Temporal and the API: go on and pay nothing again, when both are killed -9', async () => {
    stack = await startTestStack({ workers: 1, knobs: { latency: { ms: 60 } } });
    const its = stack;
    const { id } = await its.submit({ records, concurrency });
    let killed = 0;
    for (const due of [50, 150, 250]) {
      await its.until(id, (job) => job.records.accepted >= due);
      killed += its.signal('temporal', 'SIGKILL');
      killed += its.signal('api', 'SIGKILL');
    }
    const job = await its.untilEnded(id);
    expect(killed).toBe(6);
    expect(job).toMatchObject({ status: 'completed', records: { accepted: records } });
    await expectEveryIndexOnce(its, job);
    await expectMoneyAddsUp(its, job);
    // A batch that Temporal lost sight of is taken up again; what it had paid for is in the journal.
    expect((await its.billed(id)).calls).toBeLessThanOrEqual(callsNeeded + 3 * concurrency);
  }, 300_000);
});

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectExportVerifies, expectMoneyAddsUp } from './checks.ts';
import { startTestStack, type TestStack } from './stack.ts';

let stack: TestStack | null = null;

afterEach(async () => {
  await stack?.stop();
  stack = null;
});

const created = z.object({ id: z.string() });

/** The same creation again and again until it is answered, as a client does whose request was lost. */
async function createPatiently(its: TestStack, key: string, body: string): Promise<string> {
  for (;;) {
    try {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key };
      const answer = await fetch(`${its.apiUrl}/v1/jobs`, { method: 'POST', headers, body });
      if (answer.ok) return created.parse(await answer.json()).id;
    } catch {
      // Nobody listens yet.
    }
    await pause(50);
  }
}

describe('controls of a job', () => {
  it('pause stops the spending, resume goes on, a limit below what is committed is refused, and cancel delivers what is paid', async () => {
    stack = await startTestStack({ workers: 1, knobs: { latency: { ms: 100 } } });
    const { id } = await stack.submit({ records: 1_000 });
    await stack.until(id, (job) => job.records.accepted >= 20);
    await stack.api.control(id, 'pause');
    const paused = await stack.until(id, ({ status }) => status === 'paused');
    expect(paused.waiting?.kind).toBe('paused');
    await expectMoneyAddsUp(stack, paused);
    const atPause = await stack.billed(id);
    // Twenty round trips of a call: a job that still sent would show.
    await pause(2_000);
    expect(await stack.billed(id)).toEqual(atPause);
    expect(paused.cost).toMatchObject({ held: '0.00', unknown: '0.00' });

    const below = stack.api.setLimit(id, '0.000000000001');
    await expect(below).rejects.toMatchObject({ code: 'limit_below_committed' });
    expect((await stack.api.job(id)).cost).toEqual(paused.cost);

    await stack.api.control(id, 'resume');
    const more = paused.records.accepted + 50;
    await stack.until(id, (job) => job.records.accepted >= more);
    await stack.api.control(id, 'cancel');
    const job = await stack.untilEnded(id);
    expect(job.status).toBe('cancelled');
    await expectMoneyAddsUp(stack, job);
    expect(job.cost).toMatchObject({ held: '0.00', unknown: '0.00' });
    const { manifest } = await expectExportVerifies(stack, job);
    expect(manifest.status).toBe('cancelled');
    expect(manifest.records.accepted).toBeGreaterThanOrEqual(more);
    expect(manifest.records.not_started).toBeGreaterThan(0);
  });

  it('pause waits for no lost worker and fails no job, when its workers are killed before they learn of it', async () => {
    stack = await startTestStack({ workers: 2, knobs: { latency: { ms: 100 } } });
    const { id } = await stack.submit({ records: 400 });
    await stack.until(id, (job) => job.records.accepted >= 20);
    await stack.api.control(id, 'pause');
    expect(stack.signal('worker', 'SIGKILL')).toBe(2);
    await stack.until(id, ({ status }) => status === 'paused');
    await stack.api.control(id, 'resume');
    const job = await stack.untilEnded(id);
    expect(job).toMatchObject({ status: 'completed', records: { accepted: 400 } });
    await expectMoneyAddsUp(stack, job);
  });

  it('take effect when a worker comes, when they were sent while none ran', async () => {
    stack = await startTestStack({ workers: 0, knobs: { latency: { ms: 20 } } });
    const paused = await stack.submit({ records: 40 });
    const cancelled = await stack.submit({ records: 40 });
    await stack.api.control(paused.id, 'pause');
    await stack.api.control(cancelled.id, 'cancel');
    stack.addWorker();
    expect((await stack.untilEnded(cancelled.id)).status).toBe('cancelled');
    await stack.until(paused.id, ({ status }) => status === 'paused');
    expect((await stack.billed(paused.id)).calls).toBe(0);
    expect((await stack.billed(cancelled.id)).calls).toBe(0);
    await stack.api.control(paused.id, 'resume');
    const job = await stack.untilEnded(paused.id);
    expect(job).toMatchObject({ status: 'completed', records: { accepted: 40 } });
  });
});

describe('the creation of a job', () => {
  it('makes one job per key, when the API is killed -9 while it answers', async () => {
    stack = await startTestStack({ workers: 0 });
    const its = stack;
    const body = JSON.stringify(await its.request({ records: 1 }));
    const ids = new Set<string>();
    let killed = 0;
    for (let key = 0; key < 5; key += 1) {
      const first = createPatiently(its, `key-${key}`, body);
      // Later each time, from before the request is read to after it was answered.
      await pause(key * 4);
      killed += its.signal('api', 'SIGKILL');
      const id = await first;
      expect(await createPatiently(its, `key-${key}`, body)).toBe(id);
      ids.add(id);
    }
    expect(killed).toBe(5);
    const { data } = await its.api.jobs(100, null);
    expect(data.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
    expect(ids.size).toBe(5);
    its.addWorker();
    for (const id of ids) {
      const job = await its.untilEnded(id);
      expect(job).toMatchObject({ status: 'completed', records: { accepted: 1 } });
      expect((await its.billed(id)).calls).toBe(2);
    }
  });
});

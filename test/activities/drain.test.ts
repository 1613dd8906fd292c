import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchKey } from '#domain/plan.ts';
import type { ActivityPorts } from '#activities/ports.ts';
import { batchOf, type Engine, entriesOf, judge, questionsOf, startEngine } from './engine.ts';
import { hurriedClock } from './hurried-clock.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** Runs `then` once, when the nth call is on the wire. */
function atCall(nth: number, then: () => void): (ports: ActivityPorts) => ActivityPorts {
  let calls = 0;
  return (ports) => ({
    ...ports,
    model: {
      ...ports.model,
      call(request, controls) {
        calls += 1;
        const outcome = ports.model.call(request, controls);
        if (calls === nth) then();
        return outcome;
      },
    },
  });
}

describe('a batch whose worker is asked to end', () => {
  it('awaits, journals and pays what is on the wire, and the next attempt pays nothing again', async () => {
    const jobId = await engine.addJob();
    await engine.put({ latency: { ms: 30 } });
    const drain = new AbortController();
    const first = await engine.worker({
      drain: drain.signal,
      wrap: atCall(5, () => drain.abort()),
    });
    await expect(first.generate(batchOf(jobId))).rejects.toMatchObject({
      type: 'WorkerDraining',
      nonRetryable: false,
      category: 'BENIGN',
    });
    const drained = await judge(engine, jobId);
    expect(drained.bill.calls).toBeGreaterThanOrEqual(5);
    expect(drained.bill.calls).toBeLessThan(20);
    expect(drained.account).toMatchObject({ spent: drained.bill.cost, held: 0n, unknown: 0n });
    const [hold] = await engine.store.ledger.holdsOfBatch(jobId, batchKey(0));
    expect(hold?.status).toBe('closed');

    await engine.put({});
    const second = await engine.worker();
    expect(await second.generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(20);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
    expect(new Set(questionsOf(await entriesOf(engine, jobId))).size).toBe(20);
  });

  it('sends nothing, when it was asked before the batch began', async () => {
    const jobId = await engine.addJob();
    const worker = await engine.worker({ drain: AbortSignal.abort() });
    await expect(worker.generate(batchOf(jobId))).rejects.toMatchObject({ type: 'WorkerDraining' });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(0);
    expect(account).toMatchObject({ spent: 0n, held: 0n, unknown: 0n });
  });

  it('gives up answers that do not come in time: their worst case stays unknown', async () => {
    const jobId = await engine.addJob();
    await engine.put({ faults: { hangBilled: 1 } });
    const drain = new AbortController();
    const timers: (() => void)[] = [];
    const clock = hurriedClock({
      after(ms, action) {
        // The beat goes on; the time to give up is the test's to say.
        if (ms < 10_000) return () => undefined;
        timers.push(action);
        return () => undefined;
      },
    });
    const worker = await engine.worker({
      clock,
      drain: drain.signal,
      wrap: atCall(4, () => drain.abort()),
    });
    const attempt = worker.generate(batchOf(jobId)).catch((error: unknown) => error);
    await expect.poll(async () => (await judge(engine, jobId)).bill.calls).toBe(4);
    for (const giveUp of timers) giveUp();
    expect(await attempt).toMatchObject({ type: 'WorkerDraining' });
    await engine.put({ faults: {} });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(4);
    expect(account).toMatchObject({ spent: 0n, held: 0n });
    expect(account.unknown).toBeGreaterThan(bill.cost);
  });
});

describe('a batch that is cancelled', () => {
  it('is handed back with all of its answers paid, and goes on from there', async () => {
    const jobId = await engine.addJob();
    await engine.put({ latency: { ms: 30 } });
    const cancel = new AbortController();
    const first = await engine.worker({ wrap: atCall(6, () => cancel.abort()) });
    const result = await first.generate(batchOf(jobId), cancel.signal);
    expect(result).toEqual({ kind: 'handed-back', batch: 0 });
    const handed = await judge(engine, jobId);
    expect(handed.bill.calls).toBeGreaterThanOrEqual(6);
    expect(handed.account).toMatchObject({ spent: handed.bill.cost, held: 0n, unknown: 0n });
    const progress = (await engine.store.jobs.get(jobId))?.progress;
    expect(progress?.calls).toBe(handed.bill.calls);

    await engine.put({});
    expect(await first.generate(batchOf(jobId))).toMatchObject({ kind: 'finished', accepted: 10 });
    expect((await judge(engine, jobId)).bill.calls).toBe(20);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchResult } from '#activities/contract.ts';
import { pico } from '#domain/money.ts';
import { batchKey } from '#domain/plan.ts';
import { inActivity } from './activity-context.ts';
import {
  batchOf,
  billOf,
  type Engine,
  entriesOf,
  judge,
  questionsOf,
  startEngine,
} from './engine.ts';
import { killedAt, type Moment } from './killed-process.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const moments: readonly (Moment & { readonly is: string })[] = [
  { call: 'ledger.execute open', when: 'after', nth: 1, is: 'it has opened its hold' },
  { call: 'model.call', when: 'before', nth: 1, is: 'its first call is about to be sent' },
  { call: 'model.call', when: 'after', nth: 5, is: 'an answer has arrived' },
  { call: 'journal.append', when: 'before', nth: 7, is: 'an answer is not journaled' },
  { call: 'journal.append', when: 'after', nth: 7, is: 'an answer is journaled, not captured' },
  {
    call: 'ledger.execute capture',
    when: 'before',
    nth: 1,
    is: 'answers are about to be captured',
  },
  { call: 'ledger.execute capture', when: 'after', nth: 1, is: 'answers were captured' },
  { call: 'objects.putIfAbsent', when: 'before', nth: 1, is: 'its part is about to be put' },
  { call: 'objects.putIfAbsent', when: 'after', nth: 1, is: 'its part was put' },
  { call: 'jobs.recordBatch', when: 'after', nth: 1, is: 'its counts were recorded' },
  { call: 'ledger.execute close', when: 'before', nth: 1, is: 'its hold is about to be closed' },
  { call: 'ledger.execute close', when: 'after', nth: 1, is: 'its hold was closed' },
];

const cases = moments.flatMap((moment) => [
  { ...moment, concurrency: 1 },
  { ...moment, concurrency: 4 },
]);

describe('a batch whose process was killed', () => {
  it.each(cases)(
    'is finished by the next attempt, which pays nothing again, when $is ($concurrency at a time)',
    async ({ concurrency, ...moment }) => {
      // Tight enough that answers are captured and topped up on the way.
      const jobId = await engine.addJob({ limit: '0.002' });
      const input = batchOf(jobId, { concurrency });
      const killed = killedAt(moment);
      const first = await engine.worker({ wrap: killed.wrap });
      const attempt = first.generate(input);
      await Promise.race([killed.dead, attempt]);

      const second = await engine.worker();
      const result = await raisedUntilFinished(jobId, () => second.generate(input));
      expect(result).toMatchObject({ kind: 'finished', accepted: 10 });
      await inActivity(() => second.activities.settleAccount({ jobId }));

      const entries = await entriesOf(engine, jobId);
      const questions = questionsOf(entries);
      expect(new Set(questions).size).toBe(20);
      expect(questions).toHaveLength(20);
      const { bill, account } = await judge(engine, jobId);
      // Only calls on the wire, or with an answer on its way to the journal, are paid again: one for
      // each record at most, because a call gives its place back before its answer is durable.
      expect(bill.calls - 20).toBeLessThanOrEqual(input.size);
      const journaled = entries.reduce(
        (sum, entry) => sum + (entry === 'corrupt' ? 0n : BigInt(entry.cost)),
        0n,
      );
      expect(account.spent).toBe(journaled);
      expect(account.held).toBe(0n);
      if (bill.calls === 20) expect(account.spent).toBe(bill.cost);
    },
  );

  it('is finished once, though three attempts were killed before', async () => {
    const jobId = await engine.addJob({ limit: '0.1' });
    const input = batchOf(jobId, { concurrency: 2, window: 20 });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const killed = killedAt({ call: 'journal.append', when: 'after', nth: 2 });
      const worker = await engine.worker({ wrap: killed.wrap });
      await Promise.race([killed.dead, worker.generate(input)]);
    }
    const last = await engine.worker();
    expect(await last.generate(input)).toMatchObject({ kind: 'finished', accepted: 10 });
    await inActivity(() => last.activities.settleAccount({ jobId }));
    const entries = questionsOf(await entriesOf(engine, jobId));
    expect(entries).toHaveLength(20);
    await judge(engine, jobId);
    const holds = await engine.store.ledger.holdsOfBatch(jobId, batchKey(0));
    expect(holds.filter(({ status }) => status === 'open')).toEqual([]);
    expect(holds[0]?.status).toBe('abandoned');
  });
});

/** What the crash left unknown may keep the rest from being paid within the limit: then it is raised. */
async function raisedUntilFinished(
  jobId: string,
  run: () => Promise<BatchResult>,
): Promise<BatchResult> {
  const result = await run();
  if (result.kind !== 'out-of-money') return result;
  const { account } = await judge(engine, jobId);
  const limit = pico(account.limit * 2n);
  await engine.store.ledger.execute({ kind: 'set-limit', account: jobId, limit });
  return raisedUntilFinished(jobId, run);
}

describe('a stalled attempt', () => {
  const stalls: readonly (Moment & { readonly is: string })[] = [
    { call: 'model.call', when: 'before', nth: 3, is: 'a call is about to be sent' },
    { call: 'model.call', when: 'after', nth: 3, is: 'answers have arrived' },
    { call: 'journal.append', when: 'before', nth: 5, is: 'answers are about to be journaled' },
    { call: 'journal.append', when: 'after', nth: 5, is: 'answers were journaled' },
    { call: 'objects.putIfAbsent', when: 'before', nth: 1, is: 'its part is about to be put' },
    { call: 'ledger.execute close', when: 'before', nth: 1, is: 'its hold is about to be closed' },
  ];

  it.each(stalls)(
    'changes no result and overspends nothing, when it wakes after the next one has ended: $is',
    async (moment) => {
      const jobId = await engine.addJob({ limit: '0.1' });
      const input = batchOf(jobId, { window: 4 });
      const stalled = killedAt(moment);
      const first = await engine.worker({ wrap: stalled.wrap });
      const attempt = first.generate(input).catch((error: unknown) => error);
      await stalled.dead;
      const second = await engine.worker();
      const result = await second.generate(input);
      const key = `parts/${jobId}/${batchKey(0)}`;
      const part = await engine.store.objects.get(key);
      const progress = (await engine.store.jobs.get(jobId))?.progress;

      stalled.wake();
      const late = await attempt;
      if (late instanceof Error) expect(late).toMatchObject({ type: 'HoldLost' });
      else expect(late).toEqual(result);
      expect(await engine.store.objects.get(key)).toEqual(part);
      const after = (await engine.store.jobs.get(jobId))?.progress;
      expect(after).toMatchObject({ accepted: progress?.accepted, failed: progress?.failed });

      await judge(engine, jobId);
      await inActivity(() => second.activities.settleAccount({ jobId }));
      const { bill, account } = await judge(engine, jobId);
      // Every answer arrived in the end: the loser's are recovered, though no record uses them.
      expect(account.spent).toBe(bill.cost);
      expect(account.held).toBe(0n);
      const entries = await entriesOf(engine, jobId);
      expect(entries).toHaveLength(bill.calls);
    },
  );
});

describe('settleAccount', () => {
  it('changes nothing, when it is repeated', async () => {
    const jobId = await engine.addJob();
    const killed = killedAt({ call: 'journal.append', when: 'after', nth: 4 });
    const worker = await engine.worker({ wrap: killed.wrap });
    void worker.generate(batchOf(jobId));
    await killed.dead;
    const other = await engine.worker();
    const first = await inActivity(() => other.activities.settleAccount({ jobId }));
    const again = await inActivity(() => other.activities.settleAccount({ jobId }));
    expect(again).toEqual(first);
    const { account } = await judge(engine, jobId);
    expect(account.held).toBe(0n);
    expect((await billOf(engine, jobId)).cost).toBeGreaterThan(0n);
  });
});

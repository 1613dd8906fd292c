import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActivityPorts } from '#activities/ports.ts';
import { batchKey } from '#domain/plan.ts';
import { batchOf, type Engine, entriesOf, judge, startEngine } from './engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** Ports of which one call fails while the switch is on. */
function failing(
  isOn: () => boolean,
  over: (ports: ActivityPorts, fail: () => void) => Partial<ActivityPorts>,
): (ports: ActivityPorts) => ActivityPorts {
  const fail = () => {
    if (isOn()) throw new Error('broken for a while');
  };
  return (ports) => ({ ...ports, ...over(ports, fail) });
}

describe('a hold', () => {
  const parts: readonly {
    readonly is: string;
    readonly over: (ports: ActivityPorts, fail: () => void) => Partial<ActivityPorts>;
  }[] = [
    {
      is: 'a template cannot be rendered because the sandbox is gone',
      over: (ports, fail) => {
        let renders = 0;
        return {
          prompts: {
            ...ports.prompts,
            async render(request) {
              renders += 1;
              if (renders > 4) fail();
              return ports.prompts.render(request);
            },
          },
        };
      },
    },
    {
      is: 'the part cannot be put',
      over: (ports, fail) => ({
        store: {
          ...ports.store,
          objects: {
            ...ports.store.objects,
            async putIfAbsent(key, bytes) {
              fail();
              return ports.store.objects.putIfAbsent(key, bytes);
            },
          },
        },
      }),
    },
    {
      is: 'the journal cannot be read the second time',
      over: (ports, fail) => {
        let reads = 0;
        return {
          store: {
            ...ports.store,
            journal: {
              ...ports.store.journal,
              async read(jobId, batch) {
                reads += 1;
                if (reads % 2 === 0) fail();
                return ports.store.journal.read(jobId, batch);
              },
            },
          },
        };
      },
    },
    {
      is: 'the job cannot be read for the report',
      over: (ports, fail) => {
        let gets = 0;
        return {
          store: {
            ...ports.store,
            jobs: {
              ...ports.store.jobs,
              async get(id) {
                gets += 1;
                if (gets > 1) fail();
                return ports.store.jobs.get(id);
              },
            },
          },
        };
      },
    },
  ];

  it.each(parts)('is closed and leaves nothing unknown, however often $is', async ({ over }) => {
    const jobId = await engine.addJob();
    let isOn = true;
    // Each attempt on a process of its own, which knows nothing of the ones before.
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const broken = await engine.worker({ wrap: failing(() => isOn, over) });
      await expect(broken.generate(batchOf(jobId))).rejects.toThrow('broken for a while');
      const { bill, account } = await judge(engine, jobId);
      expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
      expect((await engine.store.jobs.get(jobId))?.waiting).toMatchObject({
        kind: 'worker-trouble',
        detail: expect.stringContaining('broken for a while'),
      });
    }
    isOn = false;
    const worker = await engine.worker({ wrap: failing(() => isOn, over) });
    expect(await worker.generate(batchOf(jobId))).toMatchObject({ accepted: 10 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(20);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
  });
});

describe('a journal that cannot be written', () => {
  it('stops the batch for a later attempt, and what was answered stays unknown', async () => {
    const jobId = await engine.addJob();
    const worker = await engine.worker({
      wrap: failing(
        () => true,
        (ports, fail) => ({
          store: {
            ...ports.store,
            journal: {
              ...ports.store.journal,
              async append() {
                fail();
              },
            },
          },
        }),
      ),
    });
    await expect(worker.generate(batchOf(jobId))).rejects.toMatchObject({ type: 'StoreDown' });
    const told = (await engine.store.jobs.get(jobId))?.waiting;
    expect(told).toMatchObject({ kind: 'worker-trouble' });
    const lost = await judge(engine, jobId);
    expect(lost.bill.calls).toBeLessThanOrEqual(10);
    expect(lost.account).toMatchObject({ spent: 0n, held: 0n });
    expect(lost.account.unknown).toBeGreaterThan(lost.bill.cost);
    const other = await engine.worker();
    expect(await other.generate(batchOf(jobId))).toMatchObject({ accepted: 10 });
    expect((await judge(engine, jobId)).bill.calls).toBe(20 + lost.bill.calls);
    expect(await entriesOf(engine, jobId)).toHaveLength(20);
  });

  it('costs nothing, when only some of its tries fail', async () => {
    const jobId = await engine.addJob();
    let appends = 0;
    const worker = await engine.worker({
      wrap: failing(
        () => {
          appends += 1;
          return appends % 3 !== 0;
        },
        (ports, fail) => ({
          store: {
            ...ports.store,
            journal: {
              ...ports.store.journal,
              async append(attempt, entries) {
                fail();
                await ports.store.journal.append(attempt, entries);
              },
            },
          },
        }),
      ),
    });
    expect(await worker.generate(batchOf(jobId))).toMatchObject({ accepted: 10 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(20);
    expect(account).toMatchObject({ spent: bill.cost, held: 0n, unknown: 0n });
  });
});

describe('a ledger that does not answer', () => {
  it('loses the hold, not the answers: the next attempt recovers their cost', async () => {
    const jobId = await engine.addJob({ limit: '0.002' });
    // A small hold, which has to grow on the way.
    const input = batchOf(jobId, { concurrency: 1, window: 50 });
    let commands = 0;
    const worker = await engine.worker({
      wrap: failing(
        () => commands > 1,
        (ports, fail) => ({
          store: {
            ...ports.store,
            ledger: {
              ...ports.store.ledger,
              async execute(command) {
                commands += 1;
                fail();
                return ports.store.ledger.execute(command);
              },
            },
          },
        }),
      ),
    });
    await expect(worker.generate(input)).rejects.toMatchObject({ type: 'HoldLost' });
    const lost = await judge(engine, jobId);
    expect(lost.account.spent).toBe(0n);
    expect(lost.bill.calls).toBeGreaterThan(0);
    const other = await engine.worker();
    expect(await other.generate(input)).toMatchObject({ accepted: 10 });
    const { bill, account } = await judge(engine, jobId);
    expect(bill.calls).toBe(20);
    expect(account.spent).toBe(bill.cost);
    const holds = await engine.store.ledger.holdsOfBatch(jobId, batchKey(0));
    expect(holds.map(({ status }) => status)).toEqual(['abandoned', 'closed']);
  });
});

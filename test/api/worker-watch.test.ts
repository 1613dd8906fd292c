import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { WorkerPresence } from '#api/ports.ts';
import { jobBody } from '#api/schemas.ts';
import { createWorkerWatch } from '#api/worker-watch.ts';
import type { JobStatus, Waiting } from '#domain/job.ts';
import { bodyOf, createdJob, createHarness, type Harness, jobOf } from './harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await createHarness();
});
afterEach(() => harness.stop());

const throttled: Waiting = {
  kind: 'throttled',
  detail: 'no call for 4 s',
  since: '2026-01-02T03:00:00.000Z',
};

type Row = [JobStatus, Waiting['kind'] | 'nothing', WorkerPresence, string];

/** The states that only a worker leads on, and the others, each with every answer. */
const rows: Row[] = [
  ...(['validating', 'running', 'finalizing', 'cancelling'] as const).flatMap((status): Row[] => [
    [status, 'nothing', 'yes', 'nothing'],
    [status, 'nothing', 'no', 'no-worker'],
    [status, 'nothing', 'unknown', 'no-temporal'],
    [status, 'throttled', 'no', 'throttled'],
    [status, 'throttled', 'unknown', 'throttled'],
  ]),
  ...(['paused', 'budget_exhausted', 'completed', 'failed', 'cancelled'] as const).flatMap(
    (status): Row[] => [
      [status, 'nothing', 'no', 'nothing'],
      [status, 'nothing', 'unknown', 'nothing'],
    ],
  ),
];

describe('worker watch', () => {
  it.each(rows.map(([status, stored, workers, shown]) => ({ status, stored, workers, shown })))(
    'waiting: is $shown, when a $status job stores $stored and a worker is connected: $workers',
    async ({ status, stored, workers, shown }) => {
      harness.workflows.workers = workers;
      const watch = createWorkerWatch(harness.ports);
      const waiting = stored === 'nothing' ? null : throttled;
      await watch.waitingOf({ status, waiting });
      harness.time.ms += 5_000;
      const seen = await watch.waitingOf({ status, waiting });
      expect(seen?.kind ?? 'nothing').toBe(shown);
      if (waiting !== null) expect(seen).toEqual(throttled);
      expect(harness.workflows.looks).toBe(waiting === null && isLed(status) ? 2 : 0);
    },
  );

  it('look: is shared by all jobs, and repeated after 5 s, or after 1 s where no worker is there', async () => {
    const watch = createWorkerWatch(harness.ports);
    const ask = () => watch.waitingOf({ status: 'running', waiting: null });
    await Promise.all([ask(), ask(), ask()]);
    const looks = async (laterMs: number) => {
      harness.time.ms += laterMs;
      await ask();
      return harness.workflows.looks;
    };
    expect([await looks(4_999), await looks(1)]).toEqual([1, 2]);
    harness.workflows.workers = 'no';
    expect([await looks(5_000), await looks(999), await looks(1)]).toEqual([3, 3, 4]);
  });

  it('since: is when it was first noticed, until it changes or nobody looked for a minute', async () => {
    harness.workflows.workers = 'no';
    const watch = createWorkerWatch(harness.ports);
    const sinceMs = async (laterMs: number) => {
      harness.time.ms += laterMs;
      const seen = await watch.waitingOf({ status: 'running', waiting: null });
      return Date.parse(seen?.since ?? '');
    };
    const first = harness.time.ms;
    // What lasts less than 5 s is a stack that starts: nothing is said.
    expect([await sinceMs(0), await sinceMs(4_999)]).toEqual([Number.NaN, Number.NaN]);
    expect([await sinceMs(1_000), await sinceMs(60_000)]).toEqual([first, first]);
    expect(await sinceMs(60_001)).toBeNaN();
    const second = harness.time.ms;
    expect(await sinceMs(5_000)).toBe(second);
    harness.workflows.workers = 'unknown';
    expect(await sinceMs(1_000)).toBeNaN();
    expect(await sinceMs(5_000)).toBe(second + 6_000);
  });

  it('job: says that no worker is connected, alone, in the list and in its stream, and stores nothing', async () => {
    const { id } = await createdJob(harness);
    harness.workflows.workers = 'no';
    harness.time.ms += 5_000;
    const { app, store } = harness;
    const noWorker = { kind: 'no-worker', since: new Date(harness.time.ms).toISOString() };
    expect((await jobOf(await app.request(`/v1/jobs/${id}`))).waiting).toBeNull();
    harness.time.ms += 5_000;
    const shown = await jobOf(await app.request(`/v1/jobs/${id}`));
    expect(shown.waiting).toMatchObject(noWorker);
    const list = await bodyOf(await app.request('/v1/jobs'), z.object({ data: z.array(jobBody) }));
    expect(list.data[0]?.waiting).toMatchObject(noWorker);
    const answer = await app.request(`/v1/jobs/${id}/events`);
    expect(await firstSnapshot(answer)).toMatchObject({ waiting: noWorker });
    expect((await store.jobs.get(id))?.waiting).toBeNull();
  });
});

function isLed(status: JobStatus): boolean {
  return ['validating', 'running', 'finalizing', 'cancelling'].includes(status);
}

/** The first progress frame of a stream, which is then left. */
async function firstSnapshot(answer: Response): Promise<unknown> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let reads = 0; reads < 100; reads += 1) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    text += value ?? '';
    const data = /^event: progress\ndata: (.*)$/m.exec(text)?.[1];
    if (data !== undefined) {
      await reader?.cancel();
      return JSON.parse(data);
    }
    if (done) break;
  }
  throw new Error(`no snapshot in: ${text}`);
}

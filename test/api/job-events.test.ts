import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobEvents } from '#api/job-events.ts';
import { eventStreamsMax } from '#domain/limits.ts';
import type { JobStatus } from '#domain/job.ts';
import { createdJob, createHarness, type Harness, jobOf, problemOf } from './harness.ts';

let harness: Harness;
let id: string;
beforeEach(async () => {
  harness = await createHarness();
  id = (await createdJob(harness)).id;
});
afterEach(() => harness.stop());

function at(): string {
  return new Date(harness.time.ms).toISOString();
}

async function become(...statuses: JobStatus[]): Promise<void> {
  for (const to of statuses) {
    const { statusSeq } = (await harness.store.jobs.get(id)) ?? { statusSeq: 0 };
    const change = { to, seq: statusSeq + 1, at: at(), waiting: null, failure: null };
    await harness.store.jobs.changeStatus(id, change);
    await harness.store.events.append(id, { at: at(), type: 'status', data: { status: to } });
  }
}

interface Frame {
  readonly id: string | null;
  readonly event: string | null;
  readonly data: string | null;
  readonly comment: boolean;
}

function framesOf(text: string): Frame[] {
  return text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const field = (name: string) =>
        frame
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) ?? null;
      return {
        id: field('id'),
        event: field('event'),
        data: field('data'),
        comment: frame.startsWith(':'),
      };
    });
}

async function streamed(lastEventId?: string): Promise<Frame[]> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const answer = await harness.app.request(`/v1/jobs/${id}/events`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  return framesOf(await answer.text());
}

describe('GET /v1/jobs/{id}/events', () => {
  it('stream: has every stored event once, in order, then `done`, when the job has ended', async () => {
    await become('running');
    for (let batch = 0; batch < 450; batch += 1) {
      await harness.store.events.append(id, {
        at: at(),
        type: 'batch',
        data: { batch, accepted: 1 },
      });
    }
    await become('finalizing', 'completed');
    const frames = await streamed();
    const stored = frames.filter((frame) => frame.id !== null);
    expect(stored.map((frame) => Number(frame.id))).toEqual(
      Array.from({ length: 453 }, (_, index) => index + 1),
    );
    expect(JSON.parse(stored[1]?.data ?? '')).toEqual({
      batch: 0,
      accepted: 1,
      at: at(),
      type: 'batch',
    });
    const done = frames.at(-1);
    expect(done?.event).toBe('done');
    expect(JSON.parse(done?.data ?? '')).toMatchObject({ id, status: 'completed' });
  });

  it('stream: goes on after the last event that the client has', async () => {
    await become('running', 'finalizing', 'completed');
    const frames = await streamed('2');
    expect(frames.filter(({ id: seq }) => seq !== null).map(({ id: seq }) => seq)).toEqual(['3']);
    expect((await streamed('3')).filter(({ id: seq }) => seq !== null)).toEqual([]);
    expect((await streamed('3')).at(-1)?.event).toBe('done');
  });

  it('stream: waits for the last words of a job, when its end is stored before them', async () => {
    await become('running', 'finalizing');
    const { statusSeq } = (await harness.store.jobs.get(id)) ?? { statusSeq: 0 };
    const change = {
      to: 'completed' as const,
      seq: statusSeq + 1,
      at: at(),
      waiting: null,
      failure: null,
    };
    await harness.store.jobs.changeStatus(id, change);
    const answer = await harness.app.request(`/v1/jobs/${id}/events`);
    const reader = answer.body?.getReader();
    let text = '';
    for (let reads = 0; ; reads += 1) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) break;
      text += new TextDecoder().decode(value);
      if (reads === 3) {
        await harness.store.events.append(id, {
          at: at(),
          type: 'status',
          data: { status: 'completed' },
        });
      }
    }
    const names = framesOf(text).map(({ event }) => event);
    expect(names.filter((name) => name === 'status')).toHaveLength(3);
    expect(names.at(-1)).toBe('done');
  });

  it('stream: ends with `done` all the same, when the last words never come', async () => {
    const { jobs } = harness.store;
    for (const [seq, to] of (['failed'] as const).entries()) {
      const { statusSeq } = (await jobs.get(id)) ?? { statusSeq: 0 };
      const failure = { kind: 'internal' as const, message: 'x' };
      await jobs.changeStatus(id, {
        to,
        seq: statusSeq + 1 + seq,
        at: at(),
        waiting: null,
        failure,
      });
    }
    expect((await streamed()).at(-1)?.event).toBe('done');
  });

  it('progress: is a snapshot where something changed, at most one a second, without a number', async () => {
    await become('running');
    const sent: { atMs: number; frame: Frame }[] = [];
    const stop = new AbortController();
    const events = jobEvents(harness.ports, { jobId: id, after: 0, show, signal: stop.signal });
    let accepted = 0;
    for await (const text of events) {
      const [frame] = framesOf(text);
      if (frame?.event === 'progress') sent.push({ atMs: harness.time.ms, frame });
      accepted += 1;
      await harness.store.jobs.recordBatch(id, '000000', {
        accepted,
        rejected: 0,
        failed: 0,
        calls: accepted,
      });
      if (sent.length === 4) stop.abort();
    }
    expect(sent.every(({ frame }) => frame.id === null)).toBe(true);
    expect(JSON.parse(sent[1]?.frame.data ?? '').records.accepted).toBeGreaterThan(0);
    for (const [index, { atMs }] of sent.entries()) {
      const before = sent[index - 1];
      if (before !== undefined) expect(atMs - before.atMs).toBeGreaterThanOrEqual(1_000);
    }
  });

  it('heartbeat: is sent after 15 s of silence, not before', async () => {
    await become('running');
    const stop = new AbortController();
    const events = jobEvents(harness.ports, { jobId: id, after: 1, show, signal: stop.signal });
    const comments: number[] = [];
    let lastMs = 0;
    for await (const text of events) {
      if (text.startsWith(':')) comments.push(harness.time.ms - lastMs);
      lastMs = harness.time.ms;
      if (comments.length === 2) stop.abort();
    }
    expect(comments).toEqual([15_000, 15_000]);
  });

  it('stream: reads nothing ahead of its client, and frees its place when the client leaves', async () => {
    await become('running');
    let reads = 0;
    const events = {
      ...harness.store.events,
      read: (...query: Parameters<typeof harness.store.events.read>) => {
        reads += 1;
        return harness.store.events.read(...query);
      },
    };
    const other = await createHarness({ store: { ...harness.store, events } });
    const open = async () => other.app.request(`/v1/jobs/${id}/events`);
    const streams = await Promise.all(Array.from({ length: eventStreamsMax }, open));
    expect(reads).toBe(0);
    const refused = await open();
    expect([refused.status, (await problemOf(refused)).code]).toEqual([503, 'too_many_streams']);
    await streams[0]?.body?.cancel();
    expect((await open()).status).toBe(200);
    for (const stream of streams.slice(1)) await stream.body?.cancel();
    await other.stop();
  });

  it('stream: ends, when the process stops', async () => {
    await become('running');
    const answer = await harness.app.request(`/v1/jobs/${id}/events`);
    const reader = answer.body?.getReader();
    await reader?.read();
    harness.closing.abort();
    for (;;) if ((await reader?.read())?.done !== false) break;
    expect(harness.logged.some(({ level }) => level === 'error')).toBe(false);
  });

  it('stream: breaks off without a word of why, when the store does', async () => {
    await become('running');
    const events = {
      ...harness.store.events,
      read: () => Promise.reject(new Error('disk on fire')),
    };
    const other = await createHarness({ store: { ...harness.store, events } });
    const text = await (await other.app.request(`/v1/jobs/${id}/events`)).text();
    await other.stop();
    expect(text).toBe('retry: 3000\n\n');
    expect(other.logged.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it.each(['x', '-1', '1.5', '1'.repeat(16)])('Last-Event-ID: "%s" is refused', async (last) => {
    const answer = await harness.app.request(`/v1/jobs/${id}/events`, {
      headers: { 'last-event-id': last },
    });
    const problem = await problemOf(answer);
    expect([answer.status, problem.errors[0]?.pointer]).toEqual([422, '/headers/last-event-id']);
  });
});

async function show(job: { id: string }) {
  return jobOf(await harness.app.request(`/v1/jobs/${job.id}`));
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createApiClient } from '#cli/api-client.ts';
import { followJob, isSettled } from '#cli/follow-job.ts';
import type { JobBody } from '#cli/job-body.ts';
import { serverEvents } from '#cli/sse.ts';
import { jobBody } from './job.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An API that answers each request for the job, and each for its events, with the next of its answers. */
async function apiOf(jobs: readonly JobBody[], streams: readonly Answer[]) {
  let job = 0;
  let stream = 0;
  const lastEventIds: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/events') !== true) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(jobs[Math.min(job, jobs.length - 1)]));
      job += 1;
      return;
    }
    lastEventIds.push(request.headers['last-event-id'] as string | undefined);
    const answer = streams[stream];
    stream += 1;
    if (answer === undefined) throw new Error('more streams were asked for than told');
    answer(request, response);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return { url, lastEventIds, looks: () => job };
}

function follow(
  url: string,
  outOfMoneySince: string | null = null,
  signal = new AbortController().signal,
) {
  const seen: string[] = [];
  const events: number[] = [];
  const client = createApiClient({ url: () => url, revive: async () => {} }, signal);
  const job = followJob({
    client,
    jobId: 'job_1',
    signal,
    outOfMoneySince,
    onJob: ({ status, records }) => seen.push(`${status} ${records.accepted}`),
    onEvent: ({ seq }) => events.push(seq),
  });
  return { job, seen, events };
}

function frame(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

const progress = (accepted: number) => {
  const { status, records, calls, cost, waiting, progress: pace } = jobBody();
  return { status, records: { ...records, accepted }, calls, cost, waiting, progress: pace };
};
const done = jobBody({ status: 'completed' });
const batch = { type: 'batch', at: '2026-11-20T10:00:02.000Z', batch: 0 };

describe('followJob', () => {
  it('follow: to the end, when the stream says done', async () => {
    const api = await apiOf(
      [jobBody(), done],
      [
        (_, response) => {
          response.write(`retry: 3000\n\n: still here\n\n${frame('progress', progress(2))}`);
          response.end(frame('batch', batch, 1) + frame('done', done));
        },
      ],
    );
    const { job, seen, events } = follow(api.url);
    expect((await job).status).toBe('completed');
    expect(seen).toEqual(['running 1', 'running 2', 'completed 1']);
    expect(events).toEqual([1]);
  });

  it('follow: from the last event on, when the connection is cut', async () => {
    const api = await apiOf(
      [jobBody(), jobBody(), done],
      [
        (_, response) => {
          response.write(frame('batch', batch, 1) + frame('batch', batch, 2), () =>
            response.destroy(),
          );
        },
        (_, response) => response.end(frame('batch', batch, 3) + frame('done', done)),
      ],
    );
    const { job, events } = follow(api.url);
    await job;
    expect(api.lastEventIds).toEqual([undefined, '2']);
    expect(events).toEqual([1, 2, 3]);
  });

  it('follow: by looking now and then, when there is no stream', async () => {
    const busy: Answer = (_, response) => {
      response.statusCode = 503;
      response.end('{}');
    };
    const api = await apiOf([jobBody(), done], [busy]);
    expect((await follow(api.url).job).status).toBe('completed');
    expect(api.looks()).toBe(2);
  });

  it('follow: ends, when the job waits for money', async () => {
    const waiting = { kind: 'out-of-money', detail: 'raise it', since: '2026-11-20T10:01:00.000Z' };
    const poor = jobBody({ status: 'budget_exhausted', waiting });
    const api = await apiOf(
      [jobBody(), poor],
      [
        // Left open: the status alone must be enough.
        (_, response) =>
          response.write(frame('status', { type: 'status', status: 'budget_exhausted' }, 4)),
      ],
    );
    expect((await follow(api.url).job).status).toBe('budget_exhausted');
  });

  it('follow: rejects with the reason, when it is interrupted', async () => {
    const controller = new AbortController();
    const reason = new Error('Ctrl-C');
    const api = await apiOf([jobBody()], [() => controller.abort(reason)]);
    await expect(follow(api.url, null, controller.signal).job).rejects.toBe(reason);
  });
});

describe('isSettled', () => {
  const since = '2026-11-20T10:01:00.000Z';
  const poor = jobBody({
    status: 'budget_exhausted',
    waiting: { kind: 'out-of-money', detail: '', since },
  });
  it.each([
    { job: jobBody(), raised: null, settled: false, when: 'it runs' },
    { job: jobBody({ status: 'paused' }), raised: null, settled: false, when: 'it is paused' },
    { job: done, raised: null, settled: true, when: 'it is completed' },
    { job: jobBody({ status: 'failed' }), raised: null, settled: true, when: 'it has failed' },
    { job: jobBody({ status: 'cancelled' }), raised: null, settled: true, when: 'it is cancelled' },
    { job: poor, raised: null, settled: true, when: 'it waits for money' },
    {
      job: poor,
      raised: since,
      settled: false,
      when: 'its limit was raised and it has not noticed',
    },
    {
      job: poor,
      raised: '2026-11-20T10:00:00.000Z',
      settled: true,
      when: 'it ran out of money anew',
    },
  ])('settled: $settled, when $when', ({ job, raised, settled }) => {
    expect(isSettled(job, raised)).toBe(settled);
  });
});

describe('serverEvents', () => {
  it.each([1, 2, 3, 7, 1_000])(
    'events: the same, when they come in pieces of %d bytes',
    async (size) => {
      const text =
        ': hi\n\nid: 1\nevent: a\ndata: {"x":"ü"}\n\nevent: b\r\ndata: one\r\ndata: two\r\n\r\ndata:bare\n\n';
      const bytes = new TextEncoder().encode(text);
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const events = [];
      for await (const event of serverEvents(pieces(), () => {})) events.push(event);
      expect(events).toEqual([
        { id: '1', name: 'a', data: '{"x":"ü"}' },
        { id: null, name: 'b', data: 'one\ntwo' },
        { id: null, name: 'message', data: 'bare' },
      ]);
    },
  );
});

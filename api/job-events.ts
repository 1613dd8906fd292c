import { isEnded, type Job } from '#domain/job.ts';
import { eventsPageMax } from '#domain/limits.ts';
import type { JobEvent } from '#store/contract.ts';
import type { ApiPorts } from './ports.ts';
import type { JobBody } from './schemas.ts';

/** How often the store is asked. */
const pollMs = 250;
/** Progress is sent no more often than a person can read it. */
const progressEveryMs = 1_000;
/** Proxies close a connection that is silent for a minute, often for half of one. */
const heartbeatEveryMs = 15_000;
/** A browser that lost the stream asks again after so long. */
const retryMs = 3_000;
/** Polls after a job's end for its last events: they are appended after the status is stored. */
const pollsAfterEnd = 8;

export interface EventsRequest {
  readonly jobId: string;
  /** Events with a higher number are sent. */
  readonly after: number;
  readonly show: (job: Job) => Promise<JobBody>;
  /** The client went away, or the process stops. */
  readonly signal: AbortSignal;
}

type StreamPorts = Pick<ApiPorts, 'clock' | 'wait'> & {
  readonly store: Pick<ApiPorts['store'], 'jobs' | 'events'>;
};

/**
 * A job's stored events as server-sent events, numbered so that a client goes on where it was cut off;
 * between them snapshots of its progress; `done` at its end. Pulled: nothing is read from the store
 * before the client has taken what was sent. Rejects where the store does.
 */
export async function* jobEvents(
  ports: StreamPorts,
  { jobId, after, show, signal }: EventsRequest,
): AsyncGenerator<string> {
  const progress = createProgress(show);
  const lastWords = createLastWords();
  let seq = after;
  let sentAtMs = ports.clock().getTime();
  yield `retry: ${retryMs}\n\n`;
  while (!signal.aborted) {
    // The job first: events that were stored before its end are then all read below.
    const job = await ports.store.jobs.get(jobId);
    if (job === null) return;
    for await (const event of eventsAfter(ports, jobId, seq)) {
      seq = event.seq;
      lastWords.note(event);
      yield storedFrame(event);
      sentAtMs = ports.clock().getTime();
    }
    if (lastWords.areSpoken(job)) {
      yield frame('done', JSON.stringify(await show(job)));
      return;
    }
    const nowMs = ports.clock().getTime();
    const snapshot = await progress.next(job, nowMs);
    const isSilent = nowMs - sentAtMs >= heartbeatEveryMs;
    if (snapshot !== null) yield frame('progress', snapshot);
    else if (isSilent) yield ': still here\n\n';
    if (snapshot !== null || isSilent) sentAtMs = nowMs;
    await ports.wait(pollMs, signal);
  }
}

function frame(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}

/** A stored event carries its number, by which a client that was cut off asks for what follows. */
function storedFrame({ seq, at, type, data }: JobEvent): string {
  // A line break in a type would forge a field of the stream.
  const name = type.replaceAll(/[^\w.-]/g, '_');
  return `id: ${seq}\n${frame(name, JSON.stringify({ ...data, at, type }))}`;
}

async function* eventsAfter(
  { store }: StreamPorts,
  jobId: string,
  after: number,
): AsyncGenerator<JobEvent> {
  for (let seq = after; ; ) {
    const events = await store.events.read(jobId, seq, eventsPageMax);
    yield* events;
    seq = events.at(-1)?.seq ?? seq;
    if (events.length < eventsPageMax) return;
  }
}

/** Snapshots of what changes while a job runs: at most one a second, and only where something changed. */
function createProgress(show: EventsRequest['show']) {
  let sent = '';
  let atMs = Number.NEGATIVE_INFINITY;

  async function next(job: Job, nowMs: number): Promise<string | null> {
    if (nowMs - atMs < progressEveryMs) return null;
    atMs = nowMs;
    const { status, records, calls, cost, waiting, progress } = await show(job);
    const snapshot = JSON.stringify({ status, records, calls, cost, waiting, progress });
    if (snapshot === sent) return null;
    sent = snapshot;
    return snapshot;
  }

  return { next };
}

/** Knows when a job has ended and everything about it was said. */
function createLastWords() {
  let pollsLeft = pollsAfterEnd;
  let lastStatus: unknown = null;

  function note(event: JobEvent): void {
    if (event.type === 'status') lastStatus = event.data.status;
  }

  function areSpoken(job: Job): boolean {
    if (!isEnded(job.status)) return false;
    pollsLeft -= 1;
    return lastStatus === job.status || pollsLeft <= 0;
  }

  return { note, areSpoken };
}

import { z } from 'zod';
import type { JsonObject } from '#domain/json.ts';
import type { ApiClient } from './api-client.ts';
import { isEnded, type JobBody, snapshotSchema } from './job-body.ts';
import { pause } from './pause.ts';
import { type ServerEvent, serverEvents } from './sse.ts';

export interface Following {
  readonly client: ApiClient;
  readonly jobId: string;
  readonly signal: AbortSignal;
  /** The job as it stands: at the start, at most once a second, at the end. */
  readonly onJob: (job: JobBody) => void;
  /** What was stored about the job, from its first event on. */
  readonly onEvent: (event: StoredEvent) => void;
  /**
   * When the job last ran out of money, where its limit was raised since: until it has run out anew, that
   * status is old news. Null where nothing was raised.
   */
  readonly outOfMoneySince: string | null;
}

export interface StoredEvent {
  readonly seq: number;
  readonly type: string;
  readonly data: JsonObject;
}

const storedSchema = z.object({ type: z.string() }).catchall(z.json());

/** The server says something every 15 s: a stream that is silent for longer is dead. */
const silentMostMs = 40_000;
/** Between two looks where there is no stream. */
const pollMs = 1_000;

/**
 * Follows the job until it ends or waits for money, through any number of lost connections. Resolves
 * with the job as it is then; rejects with the signal's reason, or where no API comes back.
 */
export async function followJob(following: Following): Promise<JobBody> {
  const { client, jobId, signal, onJob } = following;
  const place = { lastEventId: null as string | null };
  for (;;) {
    const job = await client.job(jobId);
    onJob(job);
    if (isSettled(job, following.outOfMoneySince)) return job;
    const isStreamed = await readStream(following, job, place);
    signal.throwIfAborted();
    if (!isStreamed) await pause(pollMs, signal);
  }
}

/** Whether nothing more happens by itself. */
export function isSettled(job: JobBody, outOfMoneySince: string | null): boolean {
  if (isEnded(job.status)) return true;
  if (job.status !== 'budget_exhausted') return false;
  return outOfMoneySince === null || job.waiting?.since !== outOfMoneySince;
}

/**
 * Reads events until the stream ends or something was said that a fresh look decides about. False
 * where there was no stream: the caller waits before it looks again.
 */
async function readStream(
  following: Following,
  job: JobBody,
  place: { lastEventId: string | null },
): Promise<boolean> {
  const silence = silenceTimer(silentMostMs);
  const until = AbortSignal.any([following.signal, silence.signal]);
  try {
    const response = await following.client.events(following.jobId, place.lastEventId, until);
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return false;
    }
    let current = job;
    for await (const event of serverEvents(response.body, silence.restart)) {
      place.lastEventId = event.id ?? place.lastEventId;
      current = take(following, current, event);
      if (isLookDue(event)) return true;
    }
    // The server closed it: it ends, and is started again.
    return false;
  } catch (error) {
    if (following.signal.aborted) throw following.signal.reason;
    if (error instanceof SyntaxError || error instanceof z.ZodError) throw error;
    await following.client.revive();
    return false;
  } finally {
    silence.stop();
  }
}

function take(following: Following, job: JobBody, event: ServerEvent): JobBody {
  if (event.name === 'done') return job;
  if (event.name === 'progress') {
    const seen = { ...job, ...snapshotSchema.parse(JSON.parse(event.data)) };
    following.onJob(seen);
    return seen;
  }
  const { type, ...data } = storedSchema.parse(JSON.parse(event.data));
  following.onEvent({ seq: Number(event.id), type, data });
  return job;
}

function isLookDue(event: ServerEvent): boolean {
  if (event.name === 'done') return true;
  return (
    event.name === 'status' &&
    /"status":"(budget_exhausted|completed|failed|cancelled)"/.test(event.data)
  );
}

function silenceTimer(ms: number) {
  const controller = new AbortController();
  const abort = () => controller.abort(new Error(`the event stream was silent for ${ms} ms`));
  let timer = setTimeout(abort, ms);
  return {
    signal: controller.signal,
    restart: () => {
      clearTimeout(timer);
      timer = setTimeout(abort, ms);
    },
    stop: () => clearTimeout(timer),
  };
}

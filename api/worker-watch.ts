import type { Job, JobStatus } from '#domain/job.ts';
import type { ApiPorts, WorkerPresence } from './ports.ts';
import type { JobBody } from './schemas.ts';

type WaitingBody = JobBody['waiting'];

/** Knows whether anything could move a job on: one question to Temporal serves all jobs. */
export interface WorkerWatch {
  /**
   * Why the job waits: what is stored of it, or else that no worker is connected or that Temporal does
   * not answer, since this process noticed, once that has lasted 5 s. Null where neither holds, or where no worker is needed.
   */
  waitingOf(job: Pick<Job, 'status' | 'waiting'>): Promise<WaitingBody>;
}

/** A worker that comes is seen within a second; one that is there is not asked about as often. */
const freshMs: Record<WorkerPresence, number> = { yes: 5_000, no: 1_000, unknown: 5_000 };
/** A stack that is starting has no worker for a moment; only what lasts longer is worth a word. */
const graceMs = 5_000;
/** What was seen before a longer gap says nothing about the time between. */
const gapMostMs = 60_000;

/** States that only a worker leads on. The others end the job, or wait for a person and say so themselves. */
const needsWorker: Record<JobStatus, boolean> = {
  validating: true,
  running: true,
  finalizing: true,
  cancelling: true,
  paused: false,
  budget_exhausted: false,
  completed: false,
  failed: false,
  cancelled: false,
};

interface Sight {
  readonly presence: WorkerPresence;
  /** When it was first seen so, without a gap. */
  readonly sinceMs: number;
  readonly atMs: number;
}

export function createWorkerWatch({
  workflows,
  clock,
}: Pick<ApiPorts, 'workflows' | 'clock'>): WorkerWatch {
  let last: Sight | null = null;
  let looking: Promise<Sight> | null = null;

  async function look(): Promise<Sight> {
    const presence = await workflows.hasWorker();
    const atMs = clock().getTime();
    const goesOn = last?.presence === presence && atMs - last.atMs <= gapMostMs;
    last = { presence, sinceMs: goesOn && last !== null ? last.sinceMs : atMs, atMs };
    return last;
  }

  async function sight(): Promise<Sight> {
    if (last !== null && clock().getTime() - last.atMs < freshMs[last.presence]) return last;
    // Whoever asks meanwhile gets the same answer.
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  }

  async function waitingOf({ status, waiting }: Pick<Job, 'status' | 'waiting'>) {
    if (waiting !== null) {
      return { kind: waiting.kind, detail: waiting.detail, since: waiting.since };
    }
    return needsWorker[status] ? absenceOf(await sight()) : null;
  }

  return { waitingOf };
}

function absenceOf({ presence, sinceMs, atMs }: Sight): WaitingBody {
  if (atMs - sinceMs < graceMs) return null;
  const since = new Date(sinceMs).toISOString();
  switch (presence) {
    case 'yes':
      return null;
    case 'no':
      return {
        kind: 'no-worker',
        detail:
          'No worker is connected to Temporal; the job goes on by itself when one is (plot dev starts them).',
        since,
      };
    case 'unknown':
      return {
        kind: 'no-temporal',
        detail:
          'Temporal does not answer; the job goes on by itself when it does and a worker is connected (plot dev starts both).',
        since,
      };
  }
}

import type { Job } from '#domain/job.ts';

export interface Pace {
  /** Records finished per second of late; null before it is known, or while the job is not running. */
  readonly ratePerS: number | null;
  /** Seconds until all records are finished at this rate; null where the rate is. */
  readonly etaS: number | null;
}

/** Measures jobs by what this process has seen of them. */
export interface PaceMeter {
  /** Notes the job as it stands now and answers its pace. */
  observe(job: Job): Pace;
}

/** The rate is over the last minute, so that it follows a throttled or topped-up job. */
const windowMs = 60_000;
/** Two looks closer together than this say nothing about a rate: batches report in steps. */
const spanLeastMs = 2_000;
/** Looks kept per job: at a window's length, one each two seconds. */
const looksMax = 30;
/** Jobs watched at once; the one looked at longest ago is forgotten first. */
const jobsMax = 200;

interface Look {
  readonly atMs: number;
  readonly done: number;
}

const unknownPace: Pace = { ratePerS: null, etaS: null };

export function createPaceMeter(clock: () => Date): PaceMeter {
  const looks = new Map<string, readonly Look[]>();

  function observe(job: Job): Pace {
    if (job.status !== 'running') {
      // What was seen before a pause says nothing about the pace after it.
      looks.delete(job.id);
      return unknownPace;
    }
    const now = { atMs: clock().getTime(), done: doneOf(job) };
    const kept = withLook(looks.get(job.id) ?? [], now);
    looks.delete(job.id);
    looks.set(job.id, kept);
    const oldest = looks.keys().next();
    if (looks.size > jobsMax && oldest.done !== true) looks.delete(oldest.value);
    return paceOf(job, kept[0] ?? now, now);
  }

  return { observe };
}

function withLook(looks: readonly Look[], now: Look): readonly Look[] {
  const last = looks.at(-1);
  if (last !== undefined && now.atMs - last.atMs < spanLeastMs) return looks;
  return [...looks.filter(({ atMs }) => now.atMs - atMs <= windowMs), now].slice(-looksMax);
}

function paceOf(job: Job, first: Look, now: Look): Pace {
  const since = isFarEnough(first, now) ? first : startOf(job);
  if (since === null || !isFarEnough(since, now) || now.done <= since.done) return unknownPace;
  const ratePerS = ((now.done - since.done) * 1_000) / (now.atMs - since.atMs);
  const left = Math.max(0, job.spec.records - now.done);
  return { ratePerS: Math.round(ratePerS * 100) / 100, etaS: Math.ceil(left / ratePerS) };
}

function isFarEnough(since: Look, now: Look): boolean {
  return now.atMs - since.atMs >= spanLeastMs;
}

/** Before a second look: the mean since the job started, which pauses make too low, never too high. */
function startOf(job: Job): Look | null {
  return job.startedAt === null ? null : { atMs: Date.parse(job.startedAt), done: 0 };
}

function doneOf({ progress }: Job): number {
  return progress.accepted + progress.rejected + progress.failed;
}

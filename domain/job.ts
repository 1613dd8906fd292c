import type { Failure } from './failure.ts';
import type { UndefinedMode } from './template.ts';

/** One request with one budget: validated once, never changed. Its money limit is the account's. */
export interface JobSpec {
  readonly template: { readonly id: string; readonly name: string; readonly sha256: string };
  readonly seeds: { readonly id: string; readonly sha256: string; readonly rows: number };
  /** Records wanted, 1 to 1,000,000. */
  readonly records: number;
  /** Seeds everything random: the order of seed rows and the templates' functions. */
  readonly jobSeed: number;
  /** Replaces every step's model and tier. */
  readonly model: string | null;
  /** Calls in flight over all workers. */
  readonly concurrency: number;
  readonly undefinedMode: UndefinedMode;
  readonly provider: Provider;
  /** Digest of all above that decides the records, so not of concurrency and provider; record ids carry it. */
  readonly sha256: string;
}

export type Provider = 'bedrock' | 'simulator';

export type JobStatus =
  | 'validating'
  | 'running'
  | 'paused'
  | 'budget_exhausted'
  | 'finalizing'
  | 'completed'
  | 'failed'
  | 'cancelling'
  | 'cancelled';

const transitions: Record<JobStatus, readonly JobStatus[]> = {
  validating: ['running', 'paused', 'failed', 'cancelling'],
  running: ['paused', 'budget_exhausted', 'finalizing', 'failed', 'cancelling'],
  // Resumed without money, it is out of money again.
  paused: ['running', 'budget_exhausted', 'failed', 'cancelling'],
  budget_exhausted: ['running', 'paused', 'failed', 'cancelling'],
  // A damaged part found while exporting is made again.
  finalizing: ['completed', 'running', 'failed', 'cancelling'],
  completed: [],
  failed: [],
  cancelling: ['cancelled', 'failed'],
  cancelled: [],
};

export function mayBecome(from: JobStatus, to: JobStatus): boolean {
  return transitions[from].includes(to);
}

/** Whether the job has ended: it will never send another call. */
export function isEnded(status: JobStatus): boolean {
  return transitions[status].length === 0;
}

/** Why a job that is not ended is not sending (G7). */
export interface Waiting {
  readonly kind:
    | 'paused'
    | 'out-of-money'
    | 'throttled'
    | 'provider-down'
    | 'quota'
    /** A worker met something of its own machine: a full disk, a damaged seed chunk. */
    | 'worker-trouble';
  /** A sentence for people, with the figures that matter and what to do. */
  readonly detail: string;
  /** RFC 3339. */
  readonly since: string;
}

export interface RecordCounts {
  readonly accepted: number;
  readonly rejected: number;
  readonly failed: number;
}

/** Records and answered calls so far; of one batch, or of a job as the sum of its batches. */
export interface Progress extends RecordCounts {
  readonly calls: number;
}

export const noProgress: Progress = { accepted: 0, rejected: 0, failed: 0, calls: 0 };

/**
 * The further one of two reports on a batch. Each attempt begins at zero and ends at the batch's size, so
 * a report of less comes from an attempt that is not as far, or that was replaced and comes late.
 */
export function furtherOf(known: Progress, told: Progress): Progress {
  const ahead = endedRecords(told) - endedRecords(known);
  return ahead > 0 || (ahead === 0 && told.calls >= known.calls) ? told : known;
}

function endedRecords({ accepted, rejected, failed }: RecordCounts): number {
  return accepted + rejected + failed;
}

/** Delivered files, as the manifest lists them. */
export interface Output {
  /** Numbers the job's exports, from 1. */
  readonly number: number;
  /** Numbers the attempts at this export, from 1. */
  readonly attempt: number;
  /** Object key prefix under which the export's files stand. */
  readonly prefix: string;
  readonly manifestSha256: string;
  readonly files: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
}

/**
 * Whether an export may take the place of the one that stands: an older one may not, nor an older
 * attempt at the same one. A process that slept may come back with it after the job has gone on.
 */
export function mayReplace(standing: Output | null, output: Output): boolean {
  if (standing === null) return true;
  if (output.number !== standing.number) return output.number > standing.number;
  return output.attempt >= standing.attempt;
}

/** A job as the store keeps it. */
export interface Job {
  readonly id: string;
  readonly spec: JobSpec;
  readonly status: JobStatus;
  /** Counts status changes; a change carries the next number, so that a late writer cannot go back. */
  readonly statusSeq: number;
  readonly waiting: Waiting | null;
  /** Why it failed; null unless it did. */
  readonly failure:
    | Failure
    | { readonly kind: 'internal' | 'breach'; readonly message: string }
    | null;
  readonly warnings: readonly string[];
  readonly progress: Progress;
  readonly output: Output | null;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

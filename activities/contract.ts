import type { Job, JobStatus, RecordCounts, Waiting } from '#domain/job.ts';
import type { UsdText } from '#domain/money.ts';
import type { Plan } from '#workflows/contract.ts';

/** What the workflows ask of a worker. Inputs and results are counts, ids and money: never texts. */
export interface Activities {
  /** Checks once more that the job can run, and cuts it into batches. */
  planJob(input: JobInput): Promise<PlanResult>;
  /** Writes a status to the store; a repeated or late change does nothing. */
  changeStatus(input: StatusInput): Promise<void>;
  /** Runs one batch as far as money, the provider and this worker allow. */
  generateBatch(input: BatchInput): Promise<BatchResult>;
  /** Abandons what is still open and recovers the late answers of abandoned holds. */
  settleAccount(input: JobInput): Promise<SettleResult>;
  /** Delivers what is there; the newest export replaces the one before. */
  exportDataset(input: ExportInput): Promise<ExportResult>;
}

export interface JobInput {
  readonly jobId: string;
}

export type PlanResult =
  | { readonly kind: 'planned'; readonly plan: Plan }
  | { readonly kind: 'refused'; readonly message: string };

export interface StatusInput extends JobInput {
  readonly to: JobStatus;
  readonly seq: number;
  readonly waiting: Omit<Waiting, 'since'> | null;
  readonly failure: Job['failure'];
}

export interface BatchInput extends JobInput {
  readonly batch: number;
  /** First record and how many. */
  readonly start: number;
  readonly size: number;
  /** Calls in flight that this batch adds to what its worker may have for the job. */
  readonly concurrency: number;
  /** Batches that the job had still to launch behind this one. */
  readonly waiting: number;
  /** Batches of the job that run beside this one at most, itself included. */
  readonly window: number;
}

export type BatchResult =
  | ({ readonly kind: 'finished'; readonly batch: number } & RecordCounts & {
        /** Its calls stay with the job's batches beside it: no batch waits for them. */
        readonly isLent: boolean;
      })
  /** Undone for want of money; what was answered is in the journal. */
  | {
      readonly kind: 'out-of-money';
      readonly batch: number;
      /** The worst case of the call that could not be started, and what was available then. */
      readonly needed: UsdText;
      readonly available: UsdText;
    }
  /** Undone because the job was paused or cancelled. */
  | { readonly kind: 'handed-back'; readonly batch: number }
  /** The account was frozen by a breach. */
  | { readonly kind: 'frozen'; readonly batch: number };

export interface SettleResult {
  readonly spent: UsdText;
  readonly unknown: UsdText;
  readonly available: UsdText;
}

export interface ExportInput extends JobInput {
  readonly plan: Plan;
  /** Numbers the job's exports, from 1. */
  readonly number: number;
  /** What the manifest says of the job. */
  readonly status: 'completed' | 'failed' | 'cancelled' | 'budget_exhausted';
}

export interface ExportResult extends RecordCounts {
  readonly notStarted: number;
  readonly manifestSha256: string;
  /** Batches whose part was damaged and could not be rebuilt from the journal: to be run again. */
  readonly damaged: readonly number[];
}

/** Types of ApplicationFailure that generateBatch throws to be tried again later. */
export const retryLater = {
  providerDown: 'ProviderDown',
  workerDraining: 'WorkerDraining',
  holdLost: 'HoldLost',
  storeDown: 'StoreDown',
} as const;

/** Type of the ApplicationFailure after which no call of the job can succeed until a person acts. */
export const jobCannotRun = 'JobCannotRun';

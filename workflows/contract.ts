import type { UsdText } from '#domain/money.ts';

/** What clients and workers of the workflows agree on. Plain values: usable with and without Node. */
export const taskQueue = 'plot-palette';

export const generateDatasetType = 'generateDataset';

export function workflowIdOf(jobId: string): string {
  return `gen-${jobId}`;
}

/** Signals work with no worker running. All are absolute, so that a repetition changes nothing. */
export const signals = {
  pause: 'pause',
  resume: 'resume',
  /** Argument: the new limit as UsdText. The ledger was changed before; this wakes a waiting job. */
  setLimit: 'setLimit',
  /** Argument: how many batches may be in flight. */
  setWindow: 'setWindow',
} as const;

/** Typed search attributes of a job's workflow; the server must know them. */
export const searchAttributes = {
  PPStatus: 'Keyword',
  PPTemplate: 'Keyword',
  PPModel: 'Keyword',
  PPRecords: 'Int',
  PPDone: 'Int',
} as const;

/** Texts, specs and rows stay in the store: the workflow gets the job's id and how to pace itself. */
export interface DatasetInput {
  readonly jobId: string;
  readonly settings: DatasetSettings;
  /** What an earlier run of the same job hands over; absent at the start. */
  readonly carry?: DatasetCarry;
}

export interface DatasetSettings {
  /** An attempt that is silent for so long is given to another worker. */
  readonly heartbeatTimeoutMs: number;
}

/** How the job is cut into batches; made once by `planJob`. */
export interface Plan {
  readonly records: number;
  readonly batchRecords: number;
  readonly batches: number;
  /** Batches in flight at most. */
  readonly window: number;
  /** Calls in flight at most over all workers. */
  readonly concurrency: number;
  /** For the Web UI. */
  readonly template: string;
  readonly models: readonly string[];
}

/** The whole state between two runs of a job's workflow. */
export interface DatasetCarry {
  readonly plan: Plan;
  /** The next batch that was never started. */
  readonly next: number;
  /** Started batches that were handed back undone. */
  readonly redo: readonly number[];
  readonly finished: {
    readonly batches: number;
    readonly accepted: number;
    readonly rejected: number;
    readonly failed: number;
  };
  readonly isPaused: boolean;
  readonly window: number;
  /** The store's status number that the workflow knows of. */
  readonly statusSeq: number;
  /** The exports made so far, snapshots included. */
  readonly exports: number;
}

export interface DatasetResult {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly accepted: number;
  readonly rejected: number;
  readonly failed: number;
  readonly notStarted: number;
  readonly spent: UsdText;
  readonly manifestSha256: string | null;
}

import type { ProviderLog } from '#bedrock/contract.ts';
import type { Provider } from '#domain/job.ts';
import type { UsdText } from '#domain/money.ts';
import type { Prompts } from '#prompts/contract.ts';
import type { Store } from '#store/contract.ts';
import type { DatasetSettings, signals } from '#workflows/contract.ts';

/** Everything that the API needs of the outside. */
export interface ApiPorts {
  readonly store: Store;
  readonly prompts: Pick<Prompts, 'check' | 'render'>;
  readonly workflows: WorkflowStarter;
  /** What the provider billed, for calls whose answers were lost. */
  readonly providerLog: ProviderLog;
  /** Who answers the calls of new jobs. */
  readonly provider: Provider;
  /** The region that is called: a model must have a price there. Null where answers are simulated. */
  readonly region: string | null;
  readonly settings: DatasetSettings;
  readonly clock: () => Date;
  /** Resolves after so many milliseconds, or at once when the signal aborts. Never rejects. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A new ULID: unique, and later ones sort after earlier ones. */
  readonly newId: () => string;
  /** The address of a workflow in Temporal's Web UI; null where none is known. */
  readonly temporalUi: (workflowId: string) => string | null;
  readonly log: Log;
  /** Aborted when the process is about to stop: open event streams end. */
  readonly closing: AbortSignal;
}

/** Structured lines; the shape of pino's methods. Never given bodies, prompts or keys. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a person sees of a job in Temporal's Web UI. */
export interface JobDisplay {
  readonly template: string;
  readonly models: readonly string[];
  readonly records: number;
  readonly seedRows: number;
  readonly limit: UsdText;
  readonly provider: Provider;
}

export type SignalName = keyof typeof signals;

export type StartOutcome =
  /** It runs, or it ran before: starting twice is the same as starting once. */
  { readonly kind: 'started' } | { readonly kind: 'unreachable'; readonly cause: unknown };

export type ControlOutcome =
  | { readonly kind: 'done' }
  /** No workflow of this job is running: it ended, or was never started. */
  | { readonly kind: 'not-running' }
  | { readonly kind: 'unreachable'; readonly cause: unknown };

/** Whether a worker asks Temporal for work; unknown where Temporal does not answer. */
export type WorkerPresence = 'yes' | 'no' | 'unknown';

/** What the API needs of Temporal. Every method is bounded in time and safe to repeat. */
export interface WorkflowStarter {
  start(jobId: string, settings: DatasetSettings, display: JobDisplay): Promise<StartOutcome>;
  signal(jobId: string, name: SignalName, argument?: string | number): Promise<ControlOutcome>;
  cancel(jobId: string): Promise<ControlOutcome>;
  isReachable(): Promise<boolean>;
  /** Never rejects. A worker that is gone counts for 75 s more. */
  hasWorker(): Promise<WorkerPresence>;
}

/** What handlers find in Hono's context. */
export interface AppEnv {
  Variables: { readonly requestId: string };
}

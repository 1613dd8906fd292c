import type { JsonObject } from '#domain/json.ts';
import type { Job, JobSpec, JobStatus, Output, Progress, Waiting } from '#domain/job.ts';
import type { Account, Hold } from '#domain/account.ts';
import type { LedgerCommand, LedgerOutcome } from '#domain/ledger.ts';
import type { PicoUsd } from '#domain/money.ts';
import type { LoggedCall } from '#domain/reconcile.ts';
import type { Usage } from '#domain/pricing.ts';
import type { Template, StepNode, Variable } from '#domain/template.ts';

/**
 * Every port may be used by many processes at once. A method that resolves has made its effect durable;
 * one that rejects may or may not have: calling it again with the same input is always safe.
 */
export interface Store {
  readonly ledger: Ledger;
  readonly jobs: Jobs;
  readonly templates: Templates;
  readonly seedSets: SeedSets;
  readonly events: Events;
  readonly objects: Objects;
  readonly journal: Journal;
  readonly evidence: Evidence;
  close(): Promise<void>;
}

/** Obeys `decide` of domain/ledger.ts: reads the rows a command needs and stores its answer atomically. */
export interface Ledger {
  /** Makes the account with this limit unless it exists; answers the account that stands. */
  openAccount(id: string, limit: PicoUsd): Promise<Account>;
  account(id: string): Promise<Account | null>;
  execute(command: LedgerCommand): Promise<LedgerOutcome>;
  /** Every hold of one batch's attempts, oldest first. */
  holdsOfBatch(account: string, batch: string): Promise<readonly Hold[]>;
  /** Holds of an account that are open or have unknown money, a page at a time, in a stable order. */
  unsettledHolds(account: string, page: PageQuery): Promise<Page<Hold>>;
}

export interface PageQuery {
  /** 1 to 1,000. */
  readonly limit: number;
  /** The `next` of the page before; null for the first. */
  readonly after: string | null;
}

/** `after` is no `next` of this list: the caller's mistake, not the store's. */
export class BadCursor extends Error {
  constructor(after: string) {
    super(
      `cursor "${after.slice(0, 80)}" is not the \`next\` of a page of this list; leave it out to start over`,
    );
    this.name = 'BadCursor';
  }
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Null on the last page. */
  readonly next: string | null;
}

export interface NewJob {
  readonly id: string;
  readonly spec: JobSpec;
  readonly warnings: readonly string[];
  /** RFC 3339 as `toISOString` writes it: jobs are listed in the order of this text. */
  readonly createdAt: string;
  /** The client's Idempotency-Key, and a digest of what it asked for. */
  readonly idempotency: { readonly key: string; readonly requestSha256: string } | null;
}

export type JobCreation =
  | { readonly kind: 'created'; readonly job: Job }
  /** The same key with the same request came before. */
  | { readonly kind: 'existing'; readonly job: Job }
  /** The same key came before with another request. */
  | { readonly kind: 'mismatch'; readonly job: Job };

export interface StatusChange {
  readonly to: JobStatus;
  /** The job's `statusSeq` after this change, above the stored one; the same change again is answered as before. */
  readonly seq: number;
  readonly at: string;
  readonly waiting: Waiting | null;
  readonly failure: Job['failure'];
}

export type StatusOutcome =
  | { readonly kind: 'done'; readonly job: Job }
  /** The stored job is already further, or may not become this. Nothing was changed. */
  | { readonly kind: 'refused'; readonly job: Job };

export interface Jobs {
  create(job: NewJob): Promise<JobCreation>;
  get(id: string): Promise<Job | null>;
  /** Newest first. */
  list(query: PageQuery & { readonly status: JobStatus | null }): Promise<Page<Job>>;
  /** Legal moves only (`mayBecome` of domain/job.ts); sets startedAt at `running`, endedAt at an end. */
  changeStatus(id: string, change: StatusChange): Promise<StatusOutcome>;
  /** Says why the job is not sending, or with null that it is again; without effect once it has ended. */
  setWaiting(id: string, waiting: Waiting | null): Promise<void>;
  /**
   * Keeps the further one (`furtherOf` of domain/job.ts) of this and what is known of the batch; the job's
   * progress is the sum over its batches, kept exact.
   */
  recordBatch(id: string, batch: string, progress: Progress): Promise<void>;
  /** Does nothing where a newer export stands (`mayReplace` of domain/job.ts). */
  setOutput(id: string, output: Output): Promise<void>;
}

export interface StoredTemplate {
  /** `tpl_` and the first 26 hex digits of the document's SHA-256: the same document is the same template. */
  readonly id: string;
  readonly sha256: string;
  readonly document: string;
  readonly template: Template;
  readonly graph: readonly StepNode[];
  readonly variables: readonly Variable[];
  readonly warnings: readonly string[];
  readonly createdAt: string;
}

export interface Templates {
  /** Put if absent; answers what stands. */
  put(template: StoredTemplate): Promise<StoredTemplate>;
  get(id: string): Promise<StoredTemplate | null>;
}

export interface SeedColumn {
  readonly name: string;
  /** Rows that have the column, nulls included. */
  readonly present: number;
  readonly nulls: number;
  /** JSON types seen, sorted. */
  readonly types: readonly string[];
}

export interface SeedSet {
  /** `seeds_` and the first 26 hex digits of `sha256`: the same rows are the same set. */
  readonly id: string;
  /** Over the normalised rows, independent of the input's format. */
  readonly sha256: string;
  readonly rows: number;
  readonly bytes: number;
  readonly chunkRows: number;
  readonly chunks: readonly {
    readonly key: string;
    readonly rows: number;
    readonly sha256: string;
  }[];
  readonly columns: readonly SeedColumn[];
  readonly createdAt: string;
}

export interface SeedSets {
  /** Put if absent; answers what stands. */
  put(set: SeedSet): Promise<SeedSet>;
  get(id: string): Promise<SeedSet | null>;
}

export interface JobEvent {
  /** Rises by one per job, from 1. */
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly data: JsonObject;
}

export interface Events {
  /** A repeated append is another event: readers must bear seeing one twice. */
  append(jobId: string, event: Omit<JobEvent, 'seq'>): Promise<JobEvent>;
  /** Events with a higher number than `after`, oldest first, at most `limit`. */
  read(jobId: string, after: number, limit: number): Promise<readonly JobEvent[]>;
}

/**
 * Byte objects under keys of `[A-Za-z0-9_.-]` segments joined by `/`; none is `.` or `..`. No key may be
 * the beginning of another up to a `/`, because on a disk it would be a file and a folder.
 */
export interface Objects {
  /** `exists` where the key is taken: what stands is kept, whoever put it. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<'stored' | 'exists'>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array | null>;
  /** The object's bytes as they are read; null where there is none. */
  read(key: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** Writes an object piece by piece; nothing is visible before `commit`, which replaces what stood. */
  write(key: string): Promise<ObjectWriter>;
  delete(key: string): Promise<void>;
}

export interface ObjectWriter {
  write(bytes: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** One durable answer. */
export interface JournalEntry {
  /** Unique under its hold. */
  readonly call: string;
  readonly record: number;
  readonly step: string;
  /** Counts paid answers to this record's step, from 0. */
  readonly try: number;
  /** Of the model, parameters and rendered texts: an answer to another prompt is never used. */
  readonly promptSha256: string;
  readonly model: string;
  readonly text: string;
  readonly stopReason: string;
  readonly usage: Usage;
  /** Integers of pUSD as text. */
  readonly cost: string;
  readonly worst: string;
  /** RFC 3339. */
  readonly at: string;
  readonly latencyMs: number;
  readonly requestId: string;
}

export interface JournalAttempt {
  readonly ordinal: number;
  /** In order of writing. `corrupt` keeps the place of an entry whose digest does not match. */
  readonly entries: readonly (JournalEntry | 'corrupt')[];
}

/** The truth about what was answered: append-only, one log per attempt at a batch. */
export interface Journal {
  /** Durable when it resolves. An attempt has one writer; its appends are kept in order. */
  append(
    attempt: { readonly jobId: string; readonly batch: string; readonly ordinal: number },
    entries: readonly JournalEntry[],
  ): Promise<void>;
  /** Every attempt at the batch, oldest first. A torn last entry was never acknowledged and is left out. */
  read(jobId: string, batch: string): Promise<readonly JournalAttempt[]>;
}

/**
 * What the provider's log said of calls whose answers are not in the journal. It only grows, so that a
 * hold's evidence read again holds at least what an earlier reader found.
 */
export interface Evidence {
  /** Keeps calls whose request id is new; what stands is not changed. Answers all of the hold's evidence. */
  add(hold: string, calls: readonly LoggedCall[]): Promise<readonly LoggedCall[]>;
  read(hold: string): Promise<readonly LoggedCall[]>;
}

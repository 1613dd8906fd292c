/** The store's truth in memory, synchronous: what every worker's ports reach through a faulty wire. */
import type { Account, Hold } from '#domain/account.ts';
import { type LedgerCommand, type LedgerOutcome, decide, slotsOf } from '#domain/ledger.ts';
import { furtherOf, type Job, noProgress, type Progress } from '#domain/job.ts';
import type {
  JobEvent,
  JournalAttempt,
  JournalEntry,
  StatusChange,
  StatusOutcome,
} from '#store/contract.ts';
import { decideStatus } from '#store/job-status.ts';
import type { Workload } from './workload.ts';

export interface JournalPlace {
  readonly batch: string;
  readonly ordinal: number;
}

export interface MemoryStore {
  readonly workload: Workload;
  readonly accounts: Map<string, Account>;
  readonly holds: Map<string, Hold>;
  readonly objects: Map<string, Uint8Array>;
  readonly events: JobEvent[];
  job: Job;
  execute(command: LedgerCommand): LedgerOutcome;
  holdsOfBatch(batch: string): readonly Hold[];
  unsettledHolds(): readonly Hold[];
  /** Appends the entries that do not stand there yet: a repeated append is known by its calls. */
  append(place: JournalPlace, entries: readonly JournalEntry[]): void;
  read(batch: string): readonly JournalAttempt[];
  hasCall(place: JournalPlace, call: string): boolean;
  /** Makes the last entry unreadable, as a flipped bit does; answers its call. */
  damageLast(place: JournalPlace): readonly string[];
  attemptsOf(): readonly (JournalAttempt & { readonly batch: string })[];
  changeStatus(change: StatusChange): StatusOutcome;
  recordBatch(batch: string, progress: Progress): void;
}

type Log = {
  batch: string;
  ordinal: number;
  entries: (JournalEntry | 'corrupt')[];
  calls: Set<string>;
};

export function createMemoryStore(workload: Workload): MemoryStore {
  const accounts = new Map<string, Account>();
  const holds = new Map<string, Hold>();
  const objects = new Map<string, Uint8Array>();
  const logs = new Map<string, Log>();
  const progress = new Map<string, Progress>();
  for (const { key } of workload.seeds.chunks) objects.set(key, workload.chunk);

  function execute(command: LedgerCommand): LedgerOutcome {
    const slots = slotsOf(command);
    const hold = heldBy(slots.hold);
    const decision = decide({ account: accounts.get(slots.account) ?? null, hold }, command);
    if (decision.account !== null) accounts.set(decision.account.id, decision.account);
    for (const changed of decision.holds) holds.set(changed.id, changed);
    return decision.outcome;
  }

  function heldBy(slot: ReturnType<typeof slotsOf>['hold']): Hold | null {
    if (slot === null) return null;
    if ('id' in slot) return holds.get(slot.id) ?? null;
    return holdsOfBatch(slot.newestOf).at(-1) ?? null;
  }

  /** Holds are made in the order of their ordinals, and a map keeps that order. */
  function holdsOfBatch(batch: string): readonly Hold[] {
    return [...holds.values()].filter((hold) => hold.batch === batch);
  }

  function logOf({ batch, ordinal }: JournalPlace): Log {
    const key = `${batch}/${ordinal}`;
    const log = logs.get(key) ?? { batch, ordinal, entries: [], calls: new Set() };
    logs.set(key, log);
    return log;
  }

  const attempts = () => [...logs.values()].toSorted((a, b) => a.ordinal - b.ordinal);

  const its: MemoryStore = {
    workload,
    accounts,
    holds,
    objects,
    events: [],
    job: workload.job,
    execute,
    holdsOfBatch,
    unsettledHolds: () =>
      [...holds.values()].filter(({ status, unknown }) => status === 'open' || unknown > 0n),
    append(place, entries) {
      const log = logOf(place);
      const fresh = entries.filter(({ call }) => !log.calls.has(call));
      for (const { call } of fresh) log.calls.add(call);
      log.entries.push(...fresh);
    },
    read: (batch) =>
      attempts()
        .filter((log) => log.batch === batch)
        .map(({ ordinal, entries }) => ({ ordinal, entries: [...entries] })),
    hasCall: (place, call) => logOf(place).calls.has(call),
    damageLast(place) {
      const { entries } = logOf(place);
      const last = entries.at(-1);
      if (last === undefined || last === 'corrupt') return [];
      entries[entries.length - 1] = 'corrupt';
      return [last.call];
    },
    attemptsOf: attempts,
    changeStatus(change) {
      const decision = decideStatus(its.job, change);
      if (decision.kind === 'change') its.job = decision.job;
      return { kind: decision.kind === 'refused' ? 'refused' : 'done', job: its.job };
    },
    recordBatch(batch, one) {
      progress.set(batch, furtherOf(progress.get(batch) ?? noProgress, one));
      const sum = { accepted: 0, rejected: 0, failed: 0, calls: 0 };
      for (const each of progress.values()) {
        sum.accepted += each.accepted;
        sum.rejected += each.rejected;
        sum.failed += each.failed;
        sum.calls += each.calls;
      }
      its.job = { ...its.job, progress: sum };
    },
  };
  return its;
}

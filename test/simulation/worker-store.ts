/** The store as one worker reaches it. */
import { mayReplace } from '#domain/job.ts';
import type { LedgerCommand } from '#domain/ledger.ts';
import { newAccount } from '#domain/account.ts';
import type { JournalEntry, Objects, Store } from '#store/contract.ts';
import { createEvidence } from '#store/evidence.ts';
import type { Judge } from './judge.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Wire } from './wire.ts';
import type { Conditions } from './conditions.ts';

export interface StoreAccess {
  readonly truth: MemoryStore;
  readonly wire: Wire;
  readonly judge: Judge;
  readonly conditions: Conditions;
}

export function createWorkerStore(access: StoreAccess): Store {
  const { truth, wire } = access;
  const objects = objectsOf(access);
  const unused = () => Promise.reject(new Error('the engine never asks for this'));
  return {
    ledger: ledgerOf(access),
    jobs: {
      create: unused,
      list: unused,
      get: (id) => wire.cross('jobs.get', () => (id === truth.job.id ? truth.job : null)),
      changeStatus: (_id, change) =>
        wire.cross('jobs.changeStatus', () => truth.changeStatus(change)),
      setWaiting: (_id, waiting) =>
        wire.cross('jobs.setWaiting', () => void (truth.job = { ...truth.job, waiting })),
      recordBatch: (_id, batch, progress) =>
        wire.cross('jobs.recordBatch', () => truth.recordBatch(batch, progress)),
      setOutput: (_id, output) =>
        wire.cross('jobs.setOutput', () => {
          if (mayReplace(truth.job.output, output)) truth.job = { ...truth.job, output };
        }),
    },
    templates: {
      put: unused,
      get: () => wire.cross('templates.get', () => truth.workload.template),
    },
    seedSets: { put: unused, get: () => wire.cross('seedSets.get', () => truth.workload.seeds) },
    events: {
      append: (_id, event) =>
        wire.cross('events.append', () => {
          const stored = { ...event, seq: truth.events.length + 1 };
          truth.events.push(stored);
          return stored;
        }),
      read: unused,
    },
    objects,
    evidence: createEvidence(objects),
    journal: journalOf(access),
    close: () => Promise.resolve(),
  };
}

function ledgerOf({ truth, wire, judge }: StoreAccess): Store['ledger'] {
  return {
    openAccount: (id, limit) =>
      wire.cross('ledger.openAccount', () => truth.accounts.get(id) ?? newAccount(id, limit)),
    account: (id) => wire.cross('ledger.account', () => truth.accounts.get(id) ?? null),
    execute: (command) =>
      wire.cross(`ledger.${command.kind}`, () => {
        const outcome = truth.execute(command);
        judge.changed(holdOf(command));
        return outcome;
      }),
    holdsOfBatch: (_account, batch) =>
      wire.cross('ledger.holdsOfBatch', () => truth.holdsOfBatch(batch)),
    unsettledHolds: () =>
      wire.cross('ledger.unsettledHolds', () => ({ items: truth.unsettledHolds(), next: null })),
  };
}

function holdOf(command: LedgerCommand): string | null {
  return 'hold' in command ? command.hold : null;
}

function objectsOf({ truth, wire, conditions }: StoreAccess): Objects {
  const { objects } = truth;
  /** What was written well may be read damaged for ever after. */
  const stored = (key: string, bytes: Uint8Array) => {
    const isDamaged =
      key.startsWith('parts/') && !wire.isCalm() && wire.chance.hits(conditions.wire.damage);
    objects.set(key, isDamaged ? bytes.slice(0, Math.floor(bytes.length / 2)) : bytes);
  };
  return {
    putIfAbsent: (key, bytes) =>
      wire.cross('objects.putIfAbsent', () => {
        if (objects.has(key)) return 'exists';
        stored(key, bytes);
        return 'stored';
      }),
    put: (key, bytes) => wire.cross('objects.put', () => stored(key, bytes)),
    get: (key) => wire.cross('objects.get', () => objects.get(key) ?? null),
    read: () => Promise.reject(new Error('the engine never reads a stream')),
    write: (key) =>
      wire.cross('objects.write', () => {
        const pieces: Uint8Array[] = [];
        return {
          write: (bytes) => wire.cross('writer.write', () => void pieces.push(bytes)),
          commit: () => wire.cross('writer.commit', () => stored(key, Buffer.concat(pieces))),
          abort: () => wire.cross('writer.abort', () => undefined),
        };
      }),
    delete: (key) => wire.cross('objects.delete', () => void objects.delete(key)),
  };
}

/** Appends of one attempt are kept in order. A rejected one stands or not, as its adapter would have it. */
function journalOf({ truth, wire, judge, conditions }: StoreAccess): Store['journal'] {
  const turns = new Map<string, Promise<unknown>>();
  const broken = new Set<string>();

  async function append(
    attempt: { jobId: string; batch: string; ordinal: number },
    entries: readonly JournalEntry[],
  ): Promise<void> {
    const hold = `${attempt.jobId}/${attempt.batch}/${attempt.ordinal}`;
    try {
      if (broken.has(hold)) throw new Error('simulated: this file takes no more entries');
      await wire.cross('journal.append', () => truth.append(attempt, entries));
    } catch (error) {
      // After a failed sync nobody knows what the file holds; after a failed write it was cut back.
      const isStanding = entries.some(({ call }) => truth.hasCall(attempt, call));
      const isFile = conditions.wire.journal === 'file';
      if (isFile && (isStanding || wire.chance.hits(0.3))) broken.add(hold);
      judge.journalFailed(hold);
      throw error;
    }
    for (const { call } of entries) judge.durable(hold, call);
    if (!wire.isCalm() && wire.chance.hits(conditions.wire.damage)) {
      for (const call of truth.damageLast(attempt)) judge.excuse(hold, call, 'damaged');
    }
  }

  return {
    append(attempt, entries) {
      const key = `${attempt.batch}/${attempt.ordinal}`;
      const turn = (turns.get(key) ?? Promise.resolve()).then(() => append(attempt, entries));
      turns.set(
        key,
        turn.catch(() => undefined),
      );
      return turn;
    },
    read: (_jobId, batch) => wire.cross('journal.read', () => truth.read(batch)),
  };
}

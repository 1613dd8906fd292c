import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from './schema.ts';

/** One connection. A transaction runs from start to end without yielding, so none interleave on it. */
export interface Database {
  prepare(sql: string): Statement;
  /** Runs one reading statement; waits while another process recovers the file. */
  read<Result>(work: () => Result): Promise<Result>;
  /** Runs `work` in a transaction that is durable when this resolves. A throw rolls it back. */
  write<Result>(work: () => Result): Promise<Result>;
  /** A second close does nothing. */
  close(): void;
}

/** Rows come back unknown: they are parsed where they are read. */
export interface Statement {
  get(...values: SQLInputValue[]): unknown;
  all(...values: SQLInputValue[]): unknown[];
  /** How many rows were changed. */
  run(...values: SQLInputValue[]): number;
}

/** SQLite waits for a lock by sleeping in this thread: longer, and a worker's calls would stand still. */
const blockingWaitMs = 5;
/** Beyond that the wait is asynchronous. A transaction takes about a millisecond: this long means a bug. */
const lockPatienceMs = 10_000;
const pauseMaxMs = 20;

/**
 * Opens the database file, which the first to come creates. Many processes may have it open; any of them
 * may die at any time. Rejects where the file was written by a newer version or is no database.
 */
export async function openDatabase(
  path: string,
  patienceMs: number = lockPatienceMs,
): Promise<Database> {
  const connection = new DatabaseSync(path, { timeout: blockingWaitMs });
  try {
    await whileBusy(() => connection.exec('PRAGMA journal_mode = WAL'), path, patienceMs);
    // FULL: a commit is on the disk before it is answered, not only before the next checkpoint.
    connection.exec('PRAGMA synchronous = FULL');
    await whileBusy(() => migrate(connection, path), path, patienceMs);
  } catch (error) {
    connection.close();
    throw error;
  }
  const begin = connection.prepare('BEGIN IMMEDIATE');
  const commit = connection.prepare('COMMIT');

  function transact<Result>(work: () => Result): Result {
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      // SQLite has already rolled back after some errors, for instance a full disk.
      if (connection.isTransaction) connection.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    prepare: (sql) => prepare(connection, sql),
    read: (work) => whileBusy(work, path, patienceMs),
    write: (work) => whileBusy(() => transact(work), path, patienceMs),
    close: () => {
      if (connection.isOpen) connection.close();
    },
  };
}

function prepare(connection: DatabaseSync, sql: string): Statement {
  const statement = connection.prepare(sql);
  return {
    get: (...values) => statement.get(...values),
    all: (...values) => statement.all(...values),
    run: (...values) => Number(statement.run(...values).changes),
  };
}

async function whileBusy<Result>(
  work: () => Result,
  path: string,
  patienceMs: number,
): Promise<Result> {
  const deadline = performance.now() + patienceMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() >= deadline) {
        const rule = `a transaction should take milliseconds; look for a stopped process that has it open`;
        throw new Error(`${path} stayed locked for ${patienceMs} ms: ${rule}`, { cause: error });
      }
    }
    // Jittered, so that processes which collided once do not collide again in step.
    await sleep(pauseMs * Math.random());
  }
}

const sqliteBusy = 5;

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  // The low byte is the primary code; the rest tells apart, for instance, a recovery that is under way.
  return typeof error.errcode === 'number' && (error.errcode & 0xff) === sqliteBusy;
}

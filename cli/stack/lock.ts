import { DatabaseSync } from 'node:sqlite';

export interface Lock {
  release(): void;
}

/**
 * The lock on this file, or null where another process has it. Held by the operating system through
 * SQLite (Node itself has no file locks), so it ends with the process, even one that was killed.
 */
export function tryLock(file: string): Lock | null {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return { release: () => database.close() };
}

/** Whether another process has the lock. */
export function isLocked(file: string): boolean {
  const lock = tryLock(file);
  lock?.release();
  return lock === null;
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /database is locked/.test(error.message);
}

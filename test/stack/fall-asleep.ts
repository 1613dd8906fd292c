import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChildName, TestStack } from './stack.ts';

/** Longer than any transaction of a process that is awake. */
const lockMsMax = 3_000;
const triesMax = 50;

/**
 * Stops a worker between its transactions. One that is stopped within one keeps the write lock of the
 * laptop's database, as any process does with SQLite: everybody then waits until it wakes or is ended.
 */
export async function fallAsleep(stack: TestStack, worker: ChildName): Promise<void> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    if (stack.signal(worker, 'SIGSTOP') !== 1) throw new Error(`there is no ${worker}`);
    if (mayWrite(stack.home)) return;
    stack.signal(worker, 'SIGCONT');
    await pause(10 * tries);
  }
  throw new Error(`${worker} was within a transaction each of ${triesMax} times`);
}

function mayWrite(home: string): boolean {
  const database = new DatabaseSync(join(home, 'plot.db'), { timeout: lockMsMax });
  try {
    database.exec('BEGIN IMMEDIATE');
    database.exec('ROLLBACK');
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) return false;
    throw error;
  } finally {
    database.close();
  }
}

import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Runs `work` while no other process runs work under the same lock file. The lock of a process that died is taken over.
 * Returns what `work` returns.
 *
 * @template T
 * @param {string} path
 * @param {(line: string) => void} log
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, log, work) {
  await acquire(path, log);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * @param {string} path
 * @param {(line: string) => void} log
 */
async function acquire(path, log) {
  for (let isFirst = true; !tryAcquire(path); isFirst = false) {
    const holder = holderOf(path);
    if (holder === null) continue;
    if (!isAlive(holder)) {
      rmSync(path, { force: true });
      continue;
    }
    if (isFirst) log(`Waiting for another setup (process ${holder}) to finish`);
    await pause(250);
  }
}

/**
 * Linked, not created and then written: whoever sees the lock also sees its holder.
 *
 * @param {string} path
 */
function tryAcquire(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * @param {string} path
 * @returns {number | null} null when the lock was let go meanwhile
 */
function holderOf(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The command line of a process, its arguments joined by spaces; null where it cannot be read. */
export function commandOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim() || null;
  } catch {
    // Not every system has /proc.
    const { status, stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
    });
    return status === 0 ? stdout.trim() : null;
  }
}

/** Whether this very process still runs: pids are given again to others. */
export function isRunning(pid: number, command: string): boolean {
  return isAlive(pid) && commandOf(pid) === command;
}

/** Sends the signal; nothing happens where the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended in between, which is what every caller wants.
  }
}

/** Whether the process ended within the time. */
export async function untilGone(isThere: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isThere()) {
    if (performance.now() > deadline) return false;
    await pause(50);
  }
  return true;
}

import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';

/** A log that is larger than this at a start becomes `<name>.1`, and what that was is dropped. */
const logBytesMax = 16 * 1024 * 1024;

export function rotateLog(file: string): void {
  if (existsSync(file) && statSync(file).size > logBytesMax) renameSync(file, `${file}.1`);
}

export function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** What was written from this byte on, at most 64 KiB of it. */
export function readFrom(file: string, offset: number): string {
  if (!existsSync(file)) return '';
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(64 * 1024);
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, offset));
  } finally {
    closeSync(descriptor);
  }
}

/** The last lines written from this byte on: why a process ended. */
export function lastLines(file: string, offset: number, count: number): string[] {
  const start = Math.max(offset, sizeOf(file) - 64 * 1024);
  return readFrom(file, start)
    .trimEnd()
    .split('\n')
    .slice(-count)
    .filter((line) => line !== '');
}

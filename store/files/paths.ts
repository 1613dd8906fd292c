import { join } from 'node:path';

/** A file name's limit on every common file system. */
const segmentLengthMax = 255;
/** S3's limit on a key. */
const keyLengthMax = 1024;
const segmentPattern = /^[A-Za-z0-9_.-]+$/;

/** The path of a key of segments joined by `/`; throws on a key that could leave the root. */
export function pathOfKey(root: string, key: string): string {
  if (key.length > keyLengthMax) {
    throw new Error(`a key has ${key.length} characters; allowed are at most ${keyLengthMax}`);
  }
  for (const segment of key.split('/')) checkSegment(segment, `key "${key}"`);
  return join(root, key);
}

/** Throws unless the name is one segment: `[A-Za-z0-9_.-]`, not empty, `.` or `..`. */
export function checkSegment(segment: string, where: string): void {
  const isName = segmentPattern.test(segment) && segment !== '.' && segment !== '..';
  if (isName && segment.length <= segmentLengthMax) return;
  throw new Error(
    `${where} has the segment "${segment.slice(0, 80)}"; allowed are 1 to ${segmentLengthMax} of A-Z a-z 0-9 _ . - other than "." and ".."`,
  );
}

/** Whether a file system call failed with this code, for instance `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

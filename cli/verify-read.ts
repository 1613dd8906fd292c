import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { difference, lineDifference } from './verify-difference.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** What a file is, read to its end. */
export interface WholeFile {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  readonly sha256: string;
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
}

/** A JSON Lines file, read once, line by line. */
export interface LineReader {
  readonly path: string;
  next(): Promise<Line | null>;
  /** Notes the index that the last line carries. */
  indexed(index: number): void;
  /** Reads what is left, then tells what the file is. */
  whole(): Promise<WholeFile>;
  close(): Promise<void>;
}

/** Past any line that we write: a record holds a few answers of at most some 100 KiB each. */
const lineBytesMax = 64 * 1024 * 1024;
const newline = 0x0a;

export async function openLines(file: string, path: string): Promise<LineReader> {
  if (!existsSync(file)) throw difference(path, 'the file is missing; manifest.json lists it');
  const handle = await open(file, 'r');
  return lineReader(handle, path);
}

function lineReader(handle: FileHandle, path: string): LineReader {
  const hash = createHash('sha256');
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const chunk = Buffer.alloc(256 * 1024);
  let pending: Buffer = Buffer.alloc(0);
  let bytes = 0;
  let rows = 0;
  let firstIndex: number | null = null;
  let lastIndex: number | null = null;

  async function readMore(): Promise<boolean> {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, bytes);
    if (bytesRead === 0) return false;
    const read = chunk.subarray(0, bytesRead);
    hash.update(read);
    bytes += bytesRead;
    pending = pending.length === 0 ? Buffer.from(read) : Buffer.concat([pending, read]);
    return true;
  }

  async function next(): Promise<Line | null> {
    let from = 0;
    for (;;) {
      const end = pending.indexOf(newline, from);
      if (end !== -1) return take(end);
      from = pending.length;
      if (from > lineBytesMax) throw lineDifference(path, rows + 1, 'the line has no end');
      if (!(await readMore())) return ended();
    }
  }

  function take(end: number): Line {
    const line = pending.subarray(0, end);
    pending = pending.subarray(end + 1);
    rows += 1;
    try {
      return { number: rows, text: decoder.decode(line) };
    } catch {
      throw lineDifference(path, rows, 'it is not UTF-8');
    }
  }

  function ended(): null {
    if (pending.length === 0) return null;
    throw lineDifference(path, rows + 1, 'the file ends in the middle of this line');
  }

  return {
    path,
    next,
    indexed: (index) => {
      firstIndex ??= index;
      lastIndex = index;
    },
    whole: async () => {
      while ((await next()) !== null);
      const sha256 = hash.copy().digest('hex');
      return { path, bytes, rows, sha256, firstIndex, lastIndex };
    },
    close: () => handle.close(),
  };
}

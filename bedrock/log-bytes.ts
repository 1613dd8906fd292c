/** A log as it is delivered: files in folders, compressed or not, read as lines in bounded memory. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** What a delivery to S3 or an export from CloudWatch names its files; both leave other files beside. */
const logFilePattern = /\.(json|jsonl|ndjson|log|txt|gz)$/;

/** The files of a log, in order: the file itself, or those of a folder and its folders. */
export async function logFiles(place: string): Promise<string[]> {
  if ((await stat(place)).isFile()) return [place];
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && logFilePattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The bytes of these files after each other, decompressed, each file's last line ended. */
export async function* bytesOfFiles(files: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield* decompressed(createReadStream(file));
    yield newline;
  }
}

const newline = new TextEncoder().encode('\n');
const newlineByte = 0x0a;

/** The bytes, decompressed where they begin as gzip does. Rejects where they are damaged. */
export async function* decompressed(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = bytes[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < 2) {
    const { done, value } = await pieces.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  const whole = after(head, pieces);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* whole;
  const source = Readable.from(whole);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    for await (const piece of gunzip) yield piece;
  } finally {
    source.destroy();
  }
}

async function* after(
  head: Uint8Array,
  pieces: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield head;
    for (;;) {
      const { done, value } = await pieces.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await pieces.return?.();
  }
}

export interface LogText {
  /** Counts from 1. */
  readonly line: number;
  /** Null where the line is longer than any record. */
  readonly text: string | null;
}

/** A record carries at most 100 KiB of request and of answer each; escaped they may be several times as long. */
const lineBytesMax = 4 * 1024 * 1024;

/** The lines of UTF-8 bytes. Never keeps more than one line in memory, however long the log says it is. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<LogText> {
  let pending: Uint8Array[] = [];
  let length = 0;
  let line = 1;
  const take = (piece: Uint8Array) => {
    length += piece.length;
    if (length > lineBytesMax) pending = [];
    else pending.push(piece);
  };
  const text = (): LogText => {
    const taken = length > lineBytesMax ? null : Buffer.concat(pending).toString('utf8');
    pending = [];
    length = 0;
    return { line, text: taken };
  };
  for await (const piece of bytes) {
    let from = 0;
    for (let end = piece.indexOf(newlineByte); end !== -1; end = piece.indexOf(newlineByte, from)) {
      take(piece.subarray(from, end));
      yield text();
      line += 1;
      from = end + 1;
    }
    take(piece.subarray(from));
  }
  if (length > 0) yield text();
}

import { isUtf8 } from 'node:buffer';
import { SeedRefusal } from './refusal.ts';

/** Bytes decoded at once: the text in memory stays small however large the pieces of the source are. */
const pieceBytesMax = 64 * 1024;

const newline = 0x0a;
const byteOrderMark = '\ufeff';

/**
 * The source as text, a piece at a time and never ahead of the consumer. A byte order mark is left out.
 * Refuses bytes that are not UTF-8, at their line, after the text of the lines before; an empty source; and a
 * source beyond `bytesMax`.
 */
export async function* readText(
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<string> {
  const decoder = createDecoder();
  let bytes = 0;
  for await (const data of source) {
    bytes += data.byteLength;
    if (bytes > bytesMax) {
      throw new SeedRefusal(
        null,
        `The seed data is over ${bytesMax} bytes, which is the most allowed. Split it into several sets.`,
      );
    }
    for (let start = 0; start < data.byteLength; start += pieceBytesMax) {
      yield* decoder.push(data.subarray(start, start + pieceBytesMax));
    }
  }
  if (bytes === 0)
    throw new SeedRefusal(null, 'The seed data is empty. At least one row is needed.');
  decoder.end();
}

function createDecoder() {
  let line = 1;
  let carried: Uint8Array = new Uint8Array(0);
  let isFirst = true;

  function* push(data: Uint8Array): Generator<string> {
    const bytes = Buffer.concat([carried, data]);
    const end = bytes.length - unfinishedBytes(bytes);
    carried = bytes.subarray(end);
    const complete = bytes.subarray(0, end);
    if (!isUtf8(complete)) {
      const bad = firstBadLine(complete);
      yield withoutMark(complete.toString('utf8', 0, bad.start));
      throw notUtf8(line + bad.linesBefore);
    }
    line += newlinesIn(complete);
    if (complete.length > 0) yield withoutMark(complete.toString('utf8'));
  }

  function withoutMark(text: string): string {
    const isMarked = isFirst && text.startsWith(byteOrderMark);
    isFirst = false;
    return isMarked ? text.slice(byteOrderMark.length) : text;
  }

  function end(): void {
    if (carried.length > 0) throw notUtf8(line);
  }

  return { push, end };
}

function notUtf8(line: number): SeedRefusal {
  return new SeedRefusal(
    line,
    'The line holds bytes that are not UTF-8. Save the data as UTF-8 and import it again.',
  );
}

/** How many bytes at the end begin a character that the next piece must finish: 0 to 3. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    const isContinuation = (byte & 0xc0) === 0x80;
    if (!isContinuation) return back < lengthFromLead(byte) ? back : 0;
  }
  return 0;
}

function lengthFromLead(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/** A newline byte is never part of a longer character, so each line can be judged alone. */
function firstBadLine(bytes: Buffer): { start: number; linesBefore: number } {
  let start = 0;
  for (let linesBefore = 0; ; linesBefore += 1) {
    const end = bytes.indexOf(newline, start);
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return { start, linesBefore };
    start = end + 1;
  }
}

function newlinesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
}

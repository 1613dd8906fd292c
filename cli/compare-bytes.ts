import type { ObjectWriter } from '#store/contract.ts';

export interface ByteDifference {
  /** Counts from 1. */
  readonly line: number;
  /** Text from the first byte that differs; empty at a file's end. */
  readonly expected: string;
  readonly found: string;
}

export interface ComparingWriter {
  /** Hands everything on to the writer below, where there is one. */
  readonly writer: ObjectWriter;
  /** The first difference; known once the writer has committed. */
  difference(): ByteDifference | null;
}

const shownBytes = 100;

/** Compares what is written with what is expected, piece by piece, whatever the cut of either. */
export function compareBytes(
  expected: AsyncIterable<Uint8Array>,
  below: ObjectWriter | null,
): ComparingWriter {
  const pieces = expected[Symbol.asyncIterator]();
  let pending: Uint8Array = new Uint8Array();
  let line = 1;
  let found: ByteDifference | null = null;

  /** What is expected next; empty at its end. */
  async function next(): Promise<Uint8Array> {
    while (pending.length === 0) {
      const { done, value } = await pieces.next();
      if (done === true) break;
      pending = value;
    }
    return pending;
  }

  async function compare(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 && found === null) {
      const wanted = await next();
      const length = Math.min(rest.length, wanted.length);
      const same = sameBytes(rest, wanted, length);
      line += newlinesIn(rest.subarray(0, same));
      if (same < length || wanted.length === 0) {
        found = { line, expected: shown(wanted, same), found: shown(rest, same) };
      }
      rest = rest.subarray(length);
      pending = wanted.subarray(length);
    }
  }

  return {
    writer: {
      async write(bytes) {
        await compare(bytes);
        await below?.write(bytes);
      },
      async commit() {
        const left = found === null ? await next() : new Uint8Array();
        if (left.length > 0) found = { line, expected: shown(left, 0), found: '' };
        await pieces.return?.();
        await below?.commit();
      },
      async abort() {
        await pieces.return?.();
        await below?.abort();
      },
    },
    difference: () => found,
  };
}

/** How many bytes at the beginning are the same, of so many. */
function sameBytes(one: Uint8Array, other: Uint8Array, length: number): number {
  if (Buffer.compare(one.subarray(0, length), other.subarray(0, length)) === 0) return length;
  let at = 0;
  while (one[at] === other[at]) at += 1;
  return at;
}

function newlinesIn(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x0a) count += 1;
  return count;
}

function shown(bytes: Uint8Array, from: number): string {
  return Buffer.from(bytes.subarray(from, from + shownBytes)).toString('utf8');
}

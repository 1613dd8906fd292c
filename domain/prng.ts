/** A stream of pseudo-random numbers: the same key gives the same stream, on every machine. */
export interface Prng {
  /** The next number in [0, 1), with 32 random bits. */
  next(): number;
  /** The next integer in [0, bound). */
  below(bound: number): number;
}

/**
 * The stream for one step of one record. Keyed by values alone, never by the order in which records
 * are rendered, so batches, workers and restarts cannot change what a record gets.
 */
export function prng(jobSeed: number, recordIndex: number, stepId: string): Prng {
  const key = [...wordsOf(jobSeed), ...wordsOf(recordIndex), ...codesOf(stepId)];
  const next = sfc32(mix(1, ...key), mix(2, ...key), mix(3, ...key), mix(4, ...key));
  return {
    next: () => next() / 2 ** 32,
    below: (bound) => Math.floor((next() / 2 ** 32) * bound),
  };
}

/**
 * A keyed hash of 32-bit integers (MurmurHash3, public domain): an unsigned 32-bit integer. Not secret:
 * it spreads bits evenly, which is what shuffles and stream keys need.
 */
export function mix(seed: number, ...values: number[]): number {
  let hash = seed | 0;
  for (const value of values) {
    const scrambled = Math.imul(rotateLeft(Math.imul(value, 0xcc9e2d51), 15), 0x1b873593);
    hash = (Math.imul(rotateLeft(hash ^ scrambled, 13), 5) + 0xe6546b64) | 0;
  }
  hash ^= values.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Both halves of a safe integer: a seed above 2^32 must not collide with its low word. */
function wordsOf(value: number): [number, number] {
  return [value | 0, Math.floor(value / 2 ** 32) | 0];
}

function codesOf(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) ?? 0);
}

/** Chris Doty-Humphrey's sfc32 (PractRand): small, fast, passes BigCrush; twelve rounds to warm up. */
function sfc32(seedA: number, seedB: number, seedC: number, seedCounter: number): () => number {
  let a = seedA | 0;
  let b = seedB | 0;
  let c = seedC | 0;
  let counter = seedCounter | 0;
  const next = () => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (rotateLeft(c, 21) + result) | 0;
    return result >>> 0;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

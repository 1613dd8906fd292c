import { hash } from 'node:crypto';

/** The next number in [0, 1). */
export type Random = () => number;

/** A deterministic stream of numbers (sfc32) from the SHA-256 of a text. */
export function randomFrom(text: string): Random {
  const digest = hash('sha256', text, 'buffer');
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = 1;
  return () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 2 ** 32;
  };
}

/** One number in [0, 1) for a seed and the number of an event: what a fault is chosen by. */
export function drawOf(seed: number, event: number): number {
  let mixed = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(event + 1, 0x85ebca77)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

/** One number in [0, 1) for a seed and a name. */
export function drawOfText(seed: number, text: string): number {
  return hash('sha256', `${seed}\n${text}`, 'buffer').readUInt32LE(0) / 2 ** 32;
}

export function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new Error('Nothing to pick from: the list is empty.');
  return chosen;
}

/** A whole number from `least` to `most`, both included. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

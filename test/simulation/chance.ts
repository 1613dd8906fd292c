import { prng } from '#domain/prng.ts';

/** A stream of decisions of one part of a run: parts do not disturb each other's streams. */
export interface Chance {
  /** True with this probability. */
  hits(probability: number): boolean;
  /** A number from `from` on, below `to`. */
  between(from: number, to: number): number;
  whole(from: number, to: number): number;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

export function chanceOf(seed: number, part: string): Chance {
  const stream = prng(seed, 0, part);
  const between = (from: number, to: number) => from + stream.next() * (to - from);
  return {
    hits: (probability) => probability > 0 && stream.next() < probability,
    between,
    whole: (from, to) => Math.floor(between(from, to + 1)),
    pick: (items) => items[stream.below(items.length)] ?? items[0],
  };
}

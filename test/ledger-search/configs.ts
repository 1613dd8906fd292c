/** The configurations that are searched: small enough to try every order, large enough for every race. */
import type { Config } from './model.ts';

const shared = { worst: 2n, limit: 5n, costs: [0n, 1n, 2n], extraCalls: 0 };

/** One batch of two records: two calls under one hold, and a zombie with two calls of its own. */
export const twoByTwo: Config = {
  ...shared,
  name: '2 records x 2 attempts',
  recordsPerBatch: 2,
  attempts: [2],
  wanted: 3n,
  limitChanges: [],
};

/** Two zombies behind one live attempt, while a person raises or lowers the limit. */
export const oneByThree: Config = {
  ...shared,
  name: '1 record x 3 attempts',
  recordsPerBatch: 1,
  attempts: [3],
  wanted: 2n,
  limitChanges: [1n, -3n],
};

/** Two batches that want the same money, one of them with a zombie: three processes at once. */
export const twoBatches: Config = {
  ...shared,
  name: '2 batches, 3 attempts',
  recordsPerBatch: 1,
  attempts: [2, 1],
  wanted: 3n,
  limitChanges: [],
};

/** A call that costs more than it could at worst: the money is gone, and nothing may hide it. */
export const breach: Config = {
  ...shared,
  name: 'breach: 1 record x 2 attempts',
  recordsPerBatch: 1,
  attempts: [2],
  extraCalls: 1,
  costs: [1n, 3n],
  wanted: 2n,
  limitChanges: [],
};

export const configs: readonly Config[] = [breach, twoBatches, oneByThree, twoByTwo];

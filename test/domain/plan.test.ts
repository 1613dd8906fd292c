import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchKey, batchRange, planBatches, recordsMax, seedRowOf } from '#domain/plan.ts';

describe('planBatches', () => {
  it.each([
    { records: 1, batchRecords: 10, batches: 1 },
    { records: 10, batchRecords: 10, batches: 1 },
    { records: 11, batchRecords: 10, batches: 2 },
    { records: 200, batchRecords: 10, batches: 20 },
    { records: 201, batchRecords: 11, batches: 19 },
    { records: 4_000, batchRecords: 200, batches: 20 },
    { records: 4_001, batchRecords: 200, batches: 21 },
    { records: 1_000_000, batchRecords: 200, batches: 5_000 },
  ])('plan: $batches batches of $batchRecords, when $records records are wanted', (row) => {
    expect(planBatches(row.records)).toEqual(row);
  });

  it.each([0, -1, 1.5, Number.NaN, recordsMax + 1])(
    'plan: stops, when %d records are wanted',
    (n) => {
      expect(() => planBatches(n)).toThrow(`records is ${n}; allowed are 1 to 1000000`);
    },
  );

  it('ranges: follow each other without a gap and end at the last record', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000 }), (records) => {
        const plan = planBatches(records);
        let next = 0;
        for (let batch = 0; batch < plan.batches; batch += 1) {
          const { start, size } = batchRange(plan, batch);
          expect(start).toBe(next);
          expect(size).toBeGreaterThanOrEqual(1);
          expect(size).toBeLessThanOrEqual(plan.batchRecords);
          next += size;
        }
        expect(next).toBe(records);
      }),
    );
  });

  it.each([-1, 3, 0.5])('range: stops, when the batch is %d of 3', (batch) => {
    expect(() => batchRange(planBatches(25), batch)).toThrow('the plan has 0 to 2');
  });
});

describe('batchKey', () => {
  it.each([
    [0, '000000'],
    [7, '000007'],
    [4_999, '004999'],
    [999_999, '999999'],
  ])('key: of batch %d is %s', (batch, key) => {
    expect(batchKey(batch)).toBe(key);
  });

  it.each([-1, 1_000_000, 1.5])('key: stops, when the batch is %d', (batch) => {
    expect(() => batchKey(batch)).toThrow('a key has 6 digits');
  });
});

describe('seedRowOf', () => {
  it('rows: every epoch uses each row once, for every size up to 600 and around powers of four', () => {
    const sizes = Array.from({ length: 600 }, (_, index) => index + 1);
    for (const power of [1_024, 4_096]) sizes.push(power - 1, power, power + 1);
    for (const rows of [...sizes, 3_201, 5_000]) {
      for (const epoch of [0, 3]) expect(distinctRows(epoch * rows, rows, 42)).toBe(rows);
    }
  });

  it('rows: a permutation of a million, when there are as many', () => {
    expect(distinctRows(0, 1_000_000, 42)).toBe(1_000_000);
  });

  it('rows: each is used floor or ceil of N / rows times, for any N', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 2_000 }),
        fc.maxSafeNat(),
        (rows, records, jobSeed) => {
          const used = Array.from({ length: rows }, () => 0);
          for (let record = 0; record < records; record += 1) {
            const row = seedRowOf(record, rows, jobSeed);
            used[row] = (used[row] ?? 0) + 1;
          }
          expect(Math.min(...used)).toBe(Math.floor(records / rows));
          expect(Math.max(...used)).toBe(Math.ceil(records / rows));
        },
      ),
    );
  });

  it.each([
    { difference: 'epoch', one: [0, 42], other: [100, 42] },
    { difference: 'job seed', one: [0, 42], other: [0, 43] },
    { difference: 'high word of the job seed', one: [0, 42], other: [0, 42 + 2 ** 32] },
  ] as const)(
    'rows: come in another order, when only the $difference differs',
    ({ one, other }) => {
      const same = order(one[0], 100, one[1]).filter(
        (row, at) => row === order(other[0], 100, other[1])[at],
      );
      // Two unrelated permutations agree in one place on average; in more than ten, practically never.
      expect(same.length).toBeLessThan(10);
    },
  );

  it('rows: neighbours are spread, when the set is large', () => {
    const steps = order(0, 10_000, 42).map((row, at, all) => Math.abs(row - (all[at + 1] ?? row)));
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    // Of random order it is a third of the size.
    expect(mean).toBeGreaterThan(3_000);
    expect(mean).toBeLessThan(3_700);
  });

  it('rows: stay what they were, so that a job is continued by a later version', () => {
    expect(order(0, 10, 42)).toEqual([9, 7, 4, 5, 6, 8, 3, 0, 1, 2]);
    expect([0, 1, 999_999, 1_000_000].map((record) => seedRowOf(record, 3_201, 7))).toEqual([
      931, 1951, 2393, 1309,
    ]);
    expect(seedRowOf(123_456, 1_000_000, 2 ** 53 - 1)).toBe(748985);
  });

  it.each([
    [-1, 10],
    [0.5, 10],
    [0, 0],
    [0, 2 ** 30 + 1],
  ])('rows: stops, when record is %d of %d rows', (record, rows) => {
    expect(() => seedRowOf(record, rows, 42)).toThrow('Assertion failed');
  });
});

function order(first: number, rows: number, jobSeed: number): number[] {
  return Array.from({ length: rows }, (_, index) => seedRowOf(first + index, rows, jobSeed));
}

function distinctRows(first: number, rows: number, jobSeed: number): number {
  const isUsed = new Uint8Array(rows);
  let distinct = 0;
  for (let index = 0; index < rows; index += 1) {
    const row = seedRowOf(first + index, rows, jobSeed);
    if (isUsed[row] === 0) distinct += 1;
    isUsed[row] = 1;
  }
  return distinct;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextAllotment } from '#domain/allotment.ts';

describe('nextAllotment', () => {
  it.each([
    { concurrency: 64, inUse: 0, freeSlots: 40, remainingBatches: 100, share: 2 },
    { concurrency: 64, inUse: 48, freeSlots: 16, remainingBatches: 76, share: 1 },
    { concurrency: 64, inUse: 0, freeSlots: 40, remainingBatches: 3, share: 22 },
    { concurrency: 64, inUse: 22, freeSlots: 39, remainingBatches: 2, share: 21 },
    { concurrency: 64, inUse: 0, freeSlots: 40, remainingBatches: 1, share: 64 },
    { concurrency: 4, inUse: 3, freeSlots: 37, remainingBatches: 9, share: 1 },
    { concurrency: 4, inUse: 4, freeSlots: 36, remainingBatches: 9, share: 0 },
    { concurrency: 4, inUse: 0, freeSlots: 0, remainingBatches: 9, share: 0 },
    // A window that was made smaller than what is in flight has less than no place.
    { concurrency: 4, inUse: 2, freeSlots: -1, remainingBatches: 9, share: 0 },
    { concurrency: 4, inUse: 0, freeSlots: 1, remainingBatches: 0, share: 0 },
    { concurrency: 1, inUse: 0, freeSlots: 1, remainingBatches: 1, share: 1 },
  ])(
    'allotment: $share of $concurrency, when $inUse are used, $freeSlots slots, $remainingBatches wait',
    (row) => {
      expect(nextAllotment(row)).toBe(row.share);
    },
  );

  it('allotment: stops, when more is in use than there is', () => {
    const state = { concurrency: 4, inUse: 5, freeSlots: 1, remainingBatches: 1 };
    expect(() => nextAllotment(state)).toThrow('5 calls are allotted of 4');
  });

  it('allotment: never above the concurrency and all of it used, whatever order batches end in', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 45 }),
        fc.integer({ min: 1, max: 90 }),
        fc.array(fc.nat(), { minLength: 90, maxLength: 90 }),
        (concurrency, window, batches, ends) => {
          const inFlight: number[] = [];
          let remainingBatches = batches;
          for (const end of ends) {
            remainingBatches -= launchAll({ concurrency, window, remainingBatches }, inFlight);
            const inUse = sum(inFlight);
            expect(inUse).toBeLessThanOrEqual(concurrency);
            expect(inUse).toBeGreaterThanOrEqual(remainingBatches > 0 ? concurrency : 0);
            if (inFlight.length > 0) inFlight.splice(end % inFlight.length, 1);
          }
          expect(remainingBatches).toBe(0);
        },
      ),
    );
  });

  it('allotment: shares launched together differ by one at most, the larger ones first', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (concurrency, window, remainingBatches) => {
          const shares: number[] = [];
          launchAll({ concurrency, window, remainingBatches }, shares);
          expect(sum(shares)).toBe(concurrency);
          expect(shares).toEqual(shares.toSorted((a, b) => b - a));
          expect((shares[0] ?? 0) - (shares.at(-1) ?? 0)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

/** Launches as a workflow would; adds to `inFlight` and returns how many batches were launched. */
function launchAll(
  job: { concurrency: number; window: number; remainingBatches: number },
  inFlight: number[],
): number {
  let launched = 0;
  for (;;) {
    const share = nextAllotment({
      concurrency: job.concurrency,
      inUse: sum(inFlight),
      freeSlots: job.window - inFlight.length,
      remainingBatches: job.remainingBatches - launched,
    });
    if (share === 0) return launched;
    inFlight.push(share);
    launched += 1;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

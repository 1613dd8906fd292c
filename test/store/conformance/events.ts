import { describe, expect, it } from 'vitest';
import { inStores, type MakePlace } from './place.ts';

const at = '2026-01-02T03:04:05.678Z';

/** What every Events does, whatever it is made of. */
export function eventsConformance(makePlace: MakePlace): void {
  describe('events', () => {
    it('each gets the next number of its job, when two processes append at the same time', () =>
      inStores(makePlace, async (store, other) => {
        const appended = await Promise.all(
          Array.from({ length: 40 }, (_, index) =>
            (index % 2 === 0 ? store : other).events.append(index < 30 ? 'a' : 'b', {
              at,
              type: 'tick',
              data: { index, deep: [null, true, { x: 'ü' }] },
            }),
          ),
        );
        const ofA = appended.slice(0, 30).sort((one, two) => one.seq - two.seq);
        expect(ofA.map((event) => event.seq)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
        expect(await store.events.read('a', 0, 100)).toEqual(ofA);
        expect(await other.events.read('b', 0, 100)).toHaveLength(10);
      }));

    it.each([
      { after: 0, limit: 2, seqs: [1, 2] },
      { after: 2, limit: 2, seqs: [3, 4] },
      { after: 4, limit: 2, seqs: [5] },
      { after: 5, limit: 2, seqs: [] },
      { after: 0, limit: 5, seqs: [1, 2, 3, 4, 5] },
    ])('$limit after number $after of 5 are $seqs', ({ after, limit, seqs }) =>
      inStores(makePlace, async (store) => {
        for (let index = 0; index < 5; index += 1) {
          await store.events.append('a', { at, type: 'tick', data: {} });
        }
        const events = await store.events.read('a', after, limit);
        expect(events.map((event) => event.seq)).toEqual(seqs);
      }),
    );
  });
}

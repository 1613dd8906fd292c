import { describe, expect, it } from 'vitest';
import { pico } from '#domain/money.ts';
import { inStores, type MakePlace } from './place.ts';

const hold = 'job_1/000000/1';

function call(number: number, cost = 7n) {
  return { call: `c${number}`, requestId: `r${number}`, cost: pico(cost) };
}

/** What every Evidence does, whatever it is made of. */
export function evidenceConformance(makePlace: MakePlace): void {
  describe('evidence', () => {
    it('is empty, when nothing was added', () =>
      inStores(makePlace, async (store) => {
        expect(await store.evidence.read(hold)).toEqual([]);
        expect(await store.evidence.add(hold, [])).toEqual([]);
      }));

    it('keeps what stands, when a request comes again with another cost', () =>
      inStores(makePlace, async (store, other) => {
        expect(await store.evidence.add(hold, [call(1), call(2), call(1)])).toHaveLength(2);
        const all = await other.evidence.add(hold, [call(2, 9n), call(3)]);
        expect(all).toEqual([call(1), call(2), call(3)]);
        expect(await store.evidence.read(hold)).toEqual(all);
        expect(await store.evidence.read('job_1/000000/11')).toEqual([]);
      }));

    it('loses nothing, when two processes add at the same time', () =>
      inStores(makePlace, async (store, other) => {
        const adding = Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).evidence.add(hold, [call(index), call(index + 1)]),
        );
        await Promise.all(adding);
        const found = await store.evidence.read(hold);
        expect(found.map(({ requestId }) => requestId).toSorted()).toEqual(
          Array.from({ length: 21 }, (_, index) => `r${index}`).toSorted(),
        );
      }));

    it('is refused rather than guessed, when a stored piece is damaged', () =>
      inStores(makePlace, async (store) => {
        await store.evidence.add(hold, [call(1)]);
        const key = `evidence/${hold}/1`;
        const text = Buffer.from((await store.objects.get(key)) ?? []).toString();
        await store.objects.put(key, Buffer.from(text.replace('7', '8')));
        await expect(store.evidence.read(hold)).rejects.toThrow(`${key} is damaged`);
      }));
  });
}

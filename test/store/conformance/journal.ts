import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '#store/contract.ts';
import { inPlace, inStores, type MakePlace } from './place.ts';

const attempt = { jobId: 'job', batch: '00001', ordinal: 1 };

export function journalEntry(record: number, text = `answer ${record}`): JournalEntry {
  return {
    call: `c${record}`,
    record,
    step: 'story',
    try: 0,
    promptSha256: 'ff',
    model: 'm',
    text,
    stopReason: 'end_turn',
    cost: '1200',
    worst: '5000',
    at: '2026-01-02T03:04:05Z',
    usage: { inputTokens: 3, outputTokens: 4, cacheReadTokens: 0, cacheWriteTokens: 0 },
    latencyMs: 12.5,
    requestId: 'r',
  };
}

/** What every Journal does, whatever it is made of. */
export function journalConformance(makePlace: MakePlace): void {
  describe('append and read', () => {
    it('entries are read as they were written, by another process', () =>
      inStores(makePlace, async (store, other) => {
        const texts = ['', 'a\nb\r\n\u2028"\\', '日本語 🎬', '\u0000', 'x'.repeat(200_000)];
        const entries = texts.map((text, index) => journalEntry(index, text));
        await store.journal.append(attempt, entries.slice(0, 2));
        await store.journal.append(attempt, entries.slice(2));
        expect(await other.journal.read('job', '00001')).toEqual([{ ordinal: 1, entries }]);
      }));

    it('the order of the calls is kept, when many appends are under way', () =>
      inStores(makePlace, async ({ journal }) => {
        const entries = Array.from({ length: 300 }, (_, index) => journalEntry(index));
        await Promise.all(entries.map((entry) => journal.append(attempt, [entry])));
        expect(await journal.read('job', '00001')).toEqual([{ ordinal: 1, entries }]);
      }));

    it('no append is forgotten, when each follows at once on the one before', () =>
      inStores(makePlace, async ({ journal }) => {
        for (let index = 0; index < 50; index += 1) {
          await Promise.all([
            journal.append(attempt, [journalEntry(2 * index)]),
            journal.append(attempt, [journalEntry(2 * index + 1)]),
          ]);
        }
        expect((await journal.read('job', '00001'))[0]?.entries).toHaveLength(100);
      }));

    it('attempts are read oldest first, apart from those of other batches and jobs', () =>
      inStores(makePlace, async ({ journal }, other) => {
        for (const ordinal of [10, 2, 9, 1]) {
          await journal.append({ ...attempt, ordinal }, [journalEntry(ordinal)]);
        }
        await other.journal.append({ ...attempt, batch: '00002' }, [journalEntry(70)]);
        await other.journal.append({ ...attempt, jobId: 'other' }, [journalEntry(80)]);
        const read = await other.journal.read('job', '00001');
        expect(read.map((one) => one.ordinal)).toEqual([1, 2, 9, 10]);
        expect(read.map((one) => one.entries)).toEqual([1, 2, 9, 10].map((n) => [journalEntry(n)]));
        expect(await journal.read('job', '00009')).toEqual([]);
        expect(await journal.read('nobody', '00001')).toEqual([]);
      }));

    it('nothing is written, when there are no entries', () =>
      inStores(makePlace, async ({ journal }, other) => {
        await journal.append(attempt, []);
        expect(await journal.read('job', '00001')).toEqual([]);
        await other.journal.append(attempt, [journalEntry(1)]);
      }));
  });

  describe('one writer', () => {
    it('another process is refused, when the attempt was written already', () =>
      inStores(makePlace, async (store, other) => {
        await store.journal.append(attempt, [journalEntry(1)]);
        await expect(other.journal.append(attempt, [journalEntry(2)])).rejects.toThrow(
          'has a writer',
        );
        await store.journal.append(attempt, [journalEntry(3)]);
        const entries = [journalEntry(1), journalEntry(3)];
        expect(await other.journal.read('job', '00001')).toEqual([{ ordinal: 1, entries }]);
      }));

    it('a restarted process is refused, when it continues an old attempt', () =>
      inPlace(makePlace, async (place) => {
        const before = await place.open();
        await before.journal.append(attempt, [journalEntry(1)]);
        await before.close();
        const { journal } = await place.open();
        await expect(journal.append(attempt, [journalEntry(2)])).rejects.toThrow('has a writer');
        await journal.append({ ...attempt, ordinal: 2 }, [journalEntry(2)]);
      }));

    it('appends under way are durable and later ones are refused, when the store is closed', () =>
      inPlace(makePlace, async (place) => {
        const store = await place.open();
        const appended = Promise.all(
          [1, 2, 3].map((record) => store.journal.append(attempt, [journalEntry(record)])),
        );
        await store.close();
        await appended;
        await expect(store.journal.append(attempt, [journalEntry(4)])).rejects.toThrow('closed');
        const read = await (await place.open()).journal.read('job', '00001');
        expect(read[0]?.entries).toHaveLength(3);
      }));
  });

  it.each([
    { jobId: '..', batch: '0', ordinal: 1 },
    { jobId: 'job', batch: 'a/b', ordinal: 1 },
    { jobId: '', batch: '0', ordinal: 1 },
    { jobId: 'job', batch: '0', ordinal: 0 },
    { jobId: 'job', batch: '0', ordinal: 1.5 },
  ])('append: refused, when the attempt is %j', (bad) =>
    inStores(makePlace, async ({ journal }) => {
      await expect(journal.append(bad, [journalEntry(1)])).rejects.toThrow('allowed are');
    }),
  );
}

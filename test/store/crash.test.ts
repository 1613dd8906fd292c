import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Hold } from '#domain/account.ts';
import { add, pico } from '#domain/money.ts';
import type { Store } from '#store/contract.ts';
import { startChild } from './child.ts';
import { inPlace } from './conformance/place.ts';
import { journalEntry } from './conformance/journal.ts';
import { type LocalPlace, makeLocalPlace } from './local-place.ts';

describe('kill -9', () => {
  it('all that was acknowledged stands, when working processes are killed over and over', () =>
    inLocalPlace(async (place) => {
      const before = await prepare(place);
      const survivor = startChild('work.ts', [place.home, 'survivor', '60']);
      for (let kill = 1; kill <= 4; kill += 1) {
        const children = ['a', 'b'].map((batch) =>
          startChild('work.ts', [place.home, batch, '100000']),
        );
        await Promise.all(children.map((child) => child.printed(20 * kill + kill)));
        await Promise.all(children.map((child) => child.kill()));
        const store = await place.open();
        for (const [index, batch] of ['a', 'b'].entries()) {
          await expectAcknowledged(store, batch, kill, children[index]?.lines ?? []);
        }
        await store.close();
      }
      await survivor.ended();
      expect(survivor.lines.at(-1)).toBe('finished 0');
      await expectAcknowledged(before, 'survivor', 1, survivor.lines);
      await expectAddsUp(before);
    }));
});

describe('a full disk', () => {
  it('all that was acknowledged stands and nothing is torn, when a worker meets it anywhere', () =>
    inLocalPlace(async (place) => {
      await (await prepare(place)).close();
      const child = startChild('work.ts', [place.home, 'a', '100000'], 300);
      await child.ended();
      expect(child.lines.at(-1)).toMatch(/^stopped (EFBIG|ERR_SQLITE_ERROR)$/);
      expect(child.lines.length).toBeGreaterThan(50);
      const store = await place.open();
      await expectAcknowledged(store, 'a', 1, child.lines);
      await expectAddsUp(store);
    }));

  it.each([
    { what: 'put', standing: 'b' },
    { what: 'putIfAbsent', standing: 'b' },
    { what: 'write', standing: 'b' },
  ])('$what: what stood is kept and nothing else is left, when it meets it', ({ what, standing }) =>
    inLocalPlace(async (place) => {
      await (await prepare(place)).close();
      const child = startChild('fill.ts', [place.home, what], 200);
      await child.ended();
      expect(child.lines).toEqual(['EFBIG', standing]);
      expect(await readFile(join(place.home, 'objects/a/b'), 'utf8')).toBe('old');
    }),
  );

  it('journal: all of a refused append is taken away and the next entry stands, when it meets it', () =>
    inLocalPlace(async (place) => {
      await (await prepare(place)).close();
      const child = startChild('fill.ts', [place.home, 'journal'], 200);
      await child.ended();
      expect(child.lines).toEqual(['none EFBIG none']);
      const entries = [journalEntry(0), journalEntry(4)];
      const { journal } = await place.open();
      expect(await journal.read('job', '0')).toEqual([{ ordinal: 1, entries }]);
    }));
});

async function inLocalPlace(body: (place: LocalPlace) => Promise<void>): Promise<void> {
  const place = await makeLocalPlace();
  await inPlace(
    async () => place,
    () => body(place),
  );
}

async function prepare(place: LocalPlace): Promise<Store> {
  const store = await place.open();
  await store.ledger.openAccount('job', pico(10n ** 12n));
  await store.jobs.create({
    id: 'job',
    spec: {
      template: { id: 't', name: 't', sha256: '' },
      seeds: { id: 's', sha256: '', rows: 1 },
      records: 1,
      jobSeed: 1,
      model: null,
      concurrency: 1,
      undefinedMode: 'error',
      provider: 'simulator',
      sha256: '',
    },
    warnings: [],
    createdAt: '2026-01-02T03:04:05.678Z',
    idempotency: null,
  });
  return store;
}

/** Numbers the child printed after this word: what it was told is durable. */
function acknowledged(lines: readonly string[], word: string): number[] {
  return lines
    .filter((line) => line.startsWith(`${word} `))
    .map((line) => Number(line.split(' ')[1]));
}

async function expectAcknowledged(
  store: Store,
  batch: string,
  ordinal: number,
  lines: readonly string[],
): Promise<void> {
  const captures = Math.max(0, ...acknowledged(lines, 'capture'));
  const hold = (await store.ledger.holdsOfBatch('job', batch)).find(
    (one) => one.ordinal === ordinal,
  );
  expect([captures, captures + 1]).toContain(hold?.seq);
  expect(hold).toMatchObject({ spent: BigInt(hold?.seq ?? -1), captured: 2 * (hold?.seq ?? -1) });

  const attempt = (await store.journal.read('job', batch)).find((one) => one.ordinal === ordinal);
  const entries = attempt?.entries ?? [];
  expect(entries).toEqual(entries.map((_, record) => journalEntry(record)));
  const journaled = acknowledged(lines, 'journal');
  expect(journaled.length).toBeGreaterThan(0);
  expect(entries.length).toBeGreaterThanOrEqual(Math.max(...journaled) + 1);
  expect(entries.length).toBeGreaterThanOrEqual(hold?.captured ?? 0);

  const numbers = acknowledged(lines, 'event');
  const events = (await store.events.read('job', 0, 100_000)).filter((one) => one.type === batch);
  expect(events.map((one) => one.seq)).toEqual(expect.arrayContaining(numbers));
  for (const part of acknowledged(lines, 'part')) {
    expect((await store.objects.get(`parts/${batch}/${part}`))?.length).toBe(5000);
  }
}

async function expectAddsUp(store: Store): Promise<void> {
  const batches = ['a', 'b', 'survivor'];
  const all = await Promise.all(batches.map((batch) => store.ledger.holdsOfBatch('job', batch)));
  const sum = (part: 'amount' | 'unknown' | 'spent') =>
    add(...all.flat().map((hold: Hold) => hold[part]));
  expect(await store.ledger.account('job')).toMatchObject({
    held: sum('amount'),
    unknown: sum('unknown'),
    spent: sum('spent'),
  });
}

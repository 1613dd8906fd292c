import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importSeeds } from '#seeds/import-seeds.ts';
import { createSeedReader, rowSha256, rowsMissing } from '#seeds/read-seeds.ts';
import { formatOfFileName } from '#seeds/read-rows.ts';
import { createMemoryStore, sourceOf } from './imported.ts';

async function allOf<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

/** A set of `count` rows `{"n":0}`, ... in chunks of 10, and its store, which counts what is read. */
async function numberedSet(count: number) {
  const memory = createMemoryStore();
  const text = Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join('');
  const result = await importSeeds(sourceOf(text), {
    format: 'jsonl',
    store: memory,
    prefix: 'seeds/',
    limits: { chunkRowsMax: 10 },
  });
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.problems));
  const loads: string[] = [];
  const get = async (key: string) => {
    loads.push(key);
    return memory.get(key);
  };
  return { seedSet: result.seedSet, store: { get }, loads, objects: memory.objects };
}

describe('createSeedReader', () => {
  it('rowAt: every row at its index, in any order, with a cache of any size', async () => {
    const { seedSet, store } = await numberedSet(95);
    const order = fc.shuffledSubarray(
      Array.from({ length: 95 }, (_, n) => n),
      { minLength: 95 },
    );
    await fc.assert(
      fc.asyncProperty(order, fc.integer({ min: 0, max: 1_000 }), async (indexes, cacheBytes) => {
        const reader = createSeedReader(store, seedSet, cacheBytes);
        const rows = await Promise.all(indexes.map((index) => reader.rowAt(index)));
        expect(rows).toEqual(indexes.map((n) => ({ n })));
      }),
      { numRuns: 50 },
    );
  });

  it('rowAt: chunks of unequal size are found', async () => {
    const store = createMemoryStore();
    const rows = [600, 1, 1, 1, 600, 600, 1].map((size) => ({ a: 'x'.repeat(size) }));
    const result = await importSeeds(sourceOf(JSON.stringify(rows)), {
      format: 'json',
      store,
      prefix: '',
      limits: { chunkBytes: 500, chunkRowsMax: 2 },
    });
    if (result.kind === 'refused') throw new Error('refused');
    const reader = createSeedReader(store, result.seedSet);
    for (const [index, row] of rows.entries()) expect(await reader.rowAt(index)).toEqual(row);
  });

  it('rowAt: a chunk is loaded once, when many ask for it at the same time and after', async () => {
    const { seedSet, store, loads } = await numberedSet(30);
    const reader = createSeedReader(store, seedSet);
    await Promise.all(Array.from({ length: 30 }, (_, index) => reader.rowAt(index)));
    await reader.rowAt(29);
    expect(loads).toHaveLength(3);
  });

  it('rowAt: the least recently used chunk is dropped, when the cache is full', async () => {
    const { seedSet, store, loads, objects } = await numberedSet(30);
    const [a, b, c] = seedSet.chunks.map(({ key }) => key);
    const twoChunks = 2 * (objects.get(b ?? '')?.length ?? 0);
    const reader = createSeedReader(store, seedSet, twoChunks);
    for (const index of [0, 10, 1, 20, 2, 21, 11]) await reader.rowAt(index);
    expect(loads).toEqual([a, b, c, b]);
  });

  it.each([-1, 30, 0.5, Number.NaN])('rowAt(%d) is a bug of the caller', async (index) => {
    const { seedSet, store } = await numberedSet(30);
    await expect(createSeedReader(store, seedSet).rowAt(index)).rejects.toThrow(/rows 0 to 29/);
  });

  it('rowAt: a damaged chunk is never used, and a repaired one is, with the same reader', async () => {
    const { seedSet, store, objects } = await numberedSet(30);
    const key = seedSet.chunks[1]?.key ?? '';
    const good = objects.get(key) ?? new Uint8Array();
    const bad = Uint8Array.from(good);
    bad[5] = (bad[5] ?? 0) ^ 1;
    objects.set(key, bad);
    const reader = createSeedReader(store, seedSet);
    await expect(reader.rowAt(15)).rejects.toThrow(/is damaged: its SHA-256 is .*Import the same/);
    await expect(allOf(reader.rows())).rejects.toThrow(/is damaged/);
    objects.delete(key);
    await expect(reader.rowAt(15)).rejects.toThrow(/is missing from the store/);
    objects.set(key, good);
    expect(await reader.rowAt(15)).toEqual({ n: 15 });
  });

  it('rows: all in order, one load for each chunk', async () => {
    const { seedSet, store, loads } = await numberedSet(25);
    const rows = await allOf(createSeedReader(store, seedSet).rows());
    expect(rows).toEqual(Array.from({ length: 25 }, (_, n) => ({ n })));
    expect(loads).toEqual(seedSet.chunks.map(({ key }) => key));
  });
});

describe('rowSha256', () => {
  it('is the digest of the stored line, so that anyone can check it', async () => {
    const { seedSet, store } = await numberedSet(1);
    const row = await createSeedReader(store, seedSet).rowAt(0);
    expect(rowSha256(row)).toBe(createHash('sha256').update('{"n":0}').digest('hex'));
  });
});

describe('rowsMissing', () => {
  const rows = [
    { title: 'a', author: { name: 'x' }, tags: ['t'] },
    { title: null, author: { name: null }, tags: [] },
    { author: null, tags: 'none' },
    { title: 'd', tags: [null] },
  ];
  async function* all() {
    yield* rows;
  }

  it.each([
    { path: 'title', missing: [2], nulls: [1] },
    { path: 'author', missing: [3], nulls: [2] },
    { path: 'author.name', missing: [2, 3], nulls: [1] },
    { path: 'tags.0', missing: [1, 2], nulls: [3] },
    { path: 'tags.length', missing: [], nulls: [] },
    { path: 'title.length', missing: [1, 2], nulls: [] },
    { path: 'toString', missing: [0, 1, 2, 3], nulls: [] },
    { path: 'author.constructor', missing: [0, 1, 2, 3], nulls: [] },
  ])('$path is missing in $missing and null in $nulls', async ({ path, missing, nulls }) => {
    const listed = (first: number[]) =>
      first.length === 0 ? [] : [{ path, rows: first.length, first }];
    expect(await rowsMissing(all(), [{ path, use: 'required' }])).toEqual({
      missing: listed(missing),
      nulls: listed(nulls),
    });
    expect(await rowsMissing(all(), [{ path, use: 'optional' }])).toEqual({
      missing: [],
      nulls: listed(nulls),
    });
  });

  it('counts every row exactly and names the first five, over a set of many chunks', async () => {
    const { seedSet, store } = await numberedSet(1_234);
    const reader = createSeedReader(store, seedSet);
    const report = await rowsMissing(reader.rows(), [
      { path: 'n', use: 'required' },
      { path: 'm', use: 'required' },
      { path: 'm', use: 'optional' },
    ]);
    expect(report).toEqual({
      missing: [{ path: 'm', rows: 1_234, first: [0, 1, 2, 3, 4] }],
      nulls: [],
    });
  });
});

describe('formatOfFileName', () => {
  it.each([
    ['Movies.CSV', 'csv'],
    ['a.jsonl', 'jsonl'],
    ['a.ndjson', 'jsonl'],
    ['a.json', 'detect'],
    ['csv', 'detect'],
    ['-', 'detect'],
  ])('%s: %s', (name, format) => {
    expect(formatOfFileName(name)).toBe(format);
  });
});

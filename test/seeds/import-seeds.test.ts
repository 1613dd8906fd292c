import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Json, JsonObject } from '#domain/json.ts';
import type { SeedFormat } from '#seeds/contract.ts';
import { importSeeds } from '#seeds/import-seeds.ts';
import { createSeedReader } from '#seeds/read-seeds.ts';
import { createMemoryStore, inPieces, refused, sourceOf, stored } from './imported.ts';

const moviesPath = 'node_modules/vega-datasets/data/movies.json';
const moviesText = await readFile(moviesPath, 'utf8');
const movies: JsonObject[] = z.array(z.record(z.string(), z.json())).parse(JSON.parse(moviesText));
const moviesSha256 = createHash('sha256')
  .update(movies.map((row) => `${JSON.stringify(row)}\n`).join(''))
  .digest('hex');

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

function csvOf(rows: readonly (readonly string[])[], lineEnd: string): string {
  return rows
    .map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',') + lineEnd)
    .join('');
}

describe('importSeeds with real data', () => {
  it('movies.json: every row is stored in order, under the digest of its JSON Lines', async () => {
    const { seedSet, rows, warnings } = await stored(createReadStream(moviesPath));
    expect(rows).toEqual(movies);
    expect(seedSet.sha256).toBe(moviesSha256);
    expect(seedSet.id).toBe(`seeds_${moviesSha256.slice(0, 26)}`);
    expect(seedSet).toMatchObject({ rows: 3201, chunkRows: 500 });
    expect(seedSet.chunks.map(({ rows: count }) => count)).toEqual([
      500, 500, 500, 500, 500, 500, 201,
    ]);
    expect(warnings).toEqual([]);
  });

  it('movies.json: the columns are profiled exactly, in their order', async () => {
    const { columns } = (await stored(createReadStream(moviesPath))).seedSet;
    expect(columns.map(({ name }) => name)).toEqual(Object.keys(movies[0] ?? {}));
    for (const { name, nulls, present, types } of columns) {
      const values = movies.filter((row) => Object.hasOwn(row, name)).map((row) => row[name]);
      expect(present).toBe(values.length);
      expect(nulls).toBe(values.filter((value) => value === null).length);
      const seen = new Set(values.map((value) => (value === null ? 'null' : typeof value)));
      expect(types).toEqual([...seen].toSorted());
    }
  });

  it('movies.json: the digest is the same from JSON Lines, CRLF, a BOM and indented JSON', async () => {
    const lines = movies.map((row) => JSON.stringify(row));
    for (const text of [
      lines.join('\n'),
      `\ufeff${lines.join('\r\n')}\r\n\r\n`,
      `\ufeff${JSON.stringify(movies, null, 2)}\n`,
    ]) {
      expect((await stored(sourceOf(text))).seedSet.sha256).toBe(moviesSha256);
    }
  });

  it('movies as CSV: rows are those that an independent reader finds, with CRLF and a BOM', async () => {
    const names = Object.keys(movies[0] ?? {});
    const cells = movies.map((row) => names.map((name) => textOf(row[name])));
    const text = csvOf([names, ...cells], '\r\n');
    const { rows } = await stored(sourceOf(`\ufeff${text}`), { format: 'csv' });
    expect(rows).toEqual(parse(text, { columns: true }));
  });

  it('airports.csv: rows are those that an independent reader finds', async () => {
    const path = 'node_modules/vega-datasets/data/airports.csv';
    const { rows } = await stored(createReadStream(path));
    expect(rows).toEqual(parse(await readFile(path, 'utf8'), { columns: true }));
    expect(rows.length).toBeGreaterThan(3_000);
  });
});

/** What normalisation makes of a value: integers beyond 2^53 are texts, and three keys are dropped. */
function normalised(key: string, value: unknown): unknown {
  if (['__proto__', 'constructor', 'prototype'].includes(key)) return undefined;
  const isLong = typeof value === 'number' && /^-?\d+$/.test(String(value));
  return isLong && !Number.isSafeInteger(value) ? String(value) : value;
}

describe('importSeeds, however the bytes are cut', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 12 });
  const row = fc.dictionary(
    fc.string({ unit: 'grapheme' }),
    fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }),
    { minKeys: 1, maxKeys: 4 },
  );

  it('JSON and JSON Lines: the same rows and the same digest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), cuts, async (rows, at) => {
        const texts: [SeedFormat, string][] = [
          ['json', JSON.stringify(rows)],
          ['json', ` ${JSON.stringify(rows, null, 1)}\r\n`],
          ['jsonl', rows.map((each) => JSON.stringify(each)).join('\r\n')],
          ['jsonl', `\ufeff\n${rows.map((each) => `${JSON.stringify(each)}\n \n`).join('')}`],
        ];
        const expected = rows.map((each) => JSON.parse(JSON.stringify(each), normalised));
        const digests = new Set<string>();
        for (const [format, text] of texts) {
          const bytes = Buffer.from(text);
          const offsets = at.map((offset) => offset % (bytes.length + 1));
          const result = await stored(inPieces(bytes, offsets), { format });
          expect(result.rows).toEqual(expected);
          digests.add(result.seedSet.sha256);
          const again = await stored(sourceOf(...result.store.objects.values()));
          digests.add(again.seedSet.sha256);
        }
        expect(digests.size).toBe(1);
      }),
      { numRuns: 150 },
    );
  });

  const cell = fc.string({
    unit: fc.constantFrom('a', ' ', '"', ',', '\n', '\r', 'é', '😀', '[', '{'),
    maxLength: 6,
  });

  it('CSV: each cell comes back, with quotes, commas, line ends and any record end', async () => {
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 });
    const lineEnds = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(table, lineEnds, cuts, async (rows, lineEnd, at) => {
        const bytes = Buffer.from(`\ufeff${csvOf([['x', 'y'], ...rows], lineEnd)}`);
        const offsets = at.map((offset) => offset % (bytes.length + 1));
        const result = await stored(inPieces(bytes, offsets), { format: 'csv' });
        expect(result.rows).toEqual(rows.map(([x, y]) => ({ x, y })));
      }),
      { numRuns: 300 },
    );
  });

  it('a refusal names the same problems', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"é":1}\n{"a":1,"a":2}\n\n[]\n{"b":'),
      Buffer.from([0x31, 0x7d, 0x0a, 0xc3, 0x28, 0x0a]),
    ]);
    const whole = await refused(sourceOf(bytes));
    expect(whole.map(({ line, row: index }) => [line, index])).toEqual([
      [2, 1],
      [4, 2],
      [6, null],
    ]);
    for (let offset = 0; offset <= bytes.length; offset += 1) {
      expect(await refused(inPieces(bytes, [offset]))).toEqual(whole);
    }
  });
});

describe('importSeeds normalises', () => {
  it('drops __proto__, constructor and prototype at any depth, and says so', async () => {
    const text =
      '[{"__proto__":{"x":1},"b":[{"constructor":1,"c":2}],"a":{"prototype":1}},{"constructor":2}]';
    const { rows, warnings } = await stored(sourceOf(text));
    expect(rows.map((row) => JSON.stringify(row))).toEqual(['{"b":[{"c":2}],"a":{}}', '{}']);
    expect(warnings).toHaveLength(3);
    expect(warnings.join()).toMatch(/"constructor" was dropped from 2 rows/);
  });

  it('drops such CSV columns too', async () => {
    const { rows, warnings } = await stored(sourceOf('a,constructor\n1,2\n'));
    expect(rows).toEqual([{ a: '1' }]);
    expect(warnings).toEqual([expect.stringMatching(/"constructor" was dropped from 1 rows/)]);
  });

  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['-9007199254740993', '-9007199254740993'],
    ['1234567890123456789012', '1234567890123456789012'],
    ['1e308', 1e308],
    ['1e999', '1e999'],
    ['-0', 0],
    ['1e20', '1e20'],
    ['1e21', 1e21],
    ['1.0', 1],
    ['1.50', 1.5],
  ])('the number %s becomes %o', async (text, value) => {
    const { rows } = await stored(sourceOf(`{"n":${text}}`));
    expect(JSON.stringify(rows)).toBe(JSON.stringify([{ n: value }]));
  });

  it('CSV values are strings, and an empty cell is an empty string', async () => {
    const { rows, seedSet } = await stored(sourceOf(' a ,b\n1,\n'));
    expect(rows).toEqual([{ a: '1', b: '' }]);
    expect(seedSet.columns).toEqual([
      { name: 'a', present: 1, nulls: 0, types: ['string'] },
      { name: 'b', present: 1, nulls: 0, types: ['string'] },
    ]);
  });
});

describe('importSeeds and its store', () => {
  it('closes a chunk by bytes before rows, when rows are large', async () => {
    const text = `{"a":"${'x'.repeat(600)}"}\n`.repeat(5);
    const { seedSet, rows } = await stored(sourceOf(text), { limits: { chunkBytes: 1_000 } });
    expect(seedSet.chunks.map(({ rows: count }) => count)).toEqual([2, 2, 1]);
    expect(rows).toHaveLength(5);
  });

  it('reads no further while the store has not taken a chunk', async () => {
    let pulled = 0;
    async function* source() {
      for (; pulled < 100; pulled += 1) yield Buffer.from(`{"a":${pulled}}\n`);
    }
    const memory = createMemoryStore();
    const waiting: (() => void)[] = [];
    const asked = Promise.withResolvers<void>();
    const put = async (key: string, bytes: Uint8Array) => {
      asked.resolve();
      if (memory.objects.size === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      await memory.put(key, bytes);
    };
    const done = importSeeds(source(), {
      format: 'jsonl',
      store: { ...memory, put },
      prefix: '',
      limits: { chunkRowsMax: 10 },
    });
    await asked.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBe(9);
    for (const release of waiting) release();
    expect((await done).kind).toBe('stored');
    expect(pulled).toBe(100);
  });

  it('a refused import answers no set, and leaves what another set stands on', async () => {
    const store = createMemoryStore();
    const good = await importSeeds(sourceOf('{"a":1}\n{"a":2}\n'), {
      format: 'jsonl',
      store,
      prefix: 'seeds/',
      limits: { chunkRowsMax: 1 },
    });
    const bad = await importSeeds(sourceOf('{"a":1}\n{"a":2}\n{"a":3}\n{}}\n{"a":4}\n'), {
      format: 'jsonl',
      store,
      prefix: 'seeds/',
      limits: { chunkRowsMax: 1 },
    });
    expect(bad).toEqual({
      kind: 'refused',
      problems: [expect.objectContaining({ line: 4, row: 3 })],
    });
    expect([...store.objects.keys()].every((key) => /^seeds\/[0-9a-f]{64}$/.test(key))).toBe(true);
    expect([...store.objects.values()].map((bytes) => Buffer.from(bytes).toString())).not.toContain(
      '{"a":4}\n',
    );
    if (good.kind === 'refused') throw new Error('the first import was refused');
    expect(await createSeedReader(store, good.seedSet).rowAt(1)).toEqual({ a: 2 });
  });

  it('rejects with the error of the source or of the store, which are no fault of the data', async () => {
    async function* cut() {
      yield Buffer.from('{"a":1}\n');
      throw new Error('connection lost');
    }
    await expect(stored(cut())).rejects.toThrow('connection lost');
    const store = { ...createMemoryStore(), put: () => Promise.reject(new Error('disk full')) };
    await expect(stored(sourceOf('{"a":1}'), { store })).rejects.toThrow('disk full');
  });
});

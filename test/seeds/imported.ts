import type { JsonObject } from '#domain/json.ts';
import type { ChunkStore, ImportOptions } from '#seeds/contract.ts';
import { importSeeds } from '#seeds/import-seeds.ts';
import { createSeedReader } from '#seeds/read-seeds.ts';

/** A real store of bytes in memory, which also shows what it holds. */
export function createMemoryStore(): ChunkStore & { readonly objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>();
  return {
    objects,
    put: async (key, bytes) => {
      objects.set(key, Uint8Array.from(bytes));
    },
    get: async (key) => objects.get(key) ?? null,
  };
}

/** The bytes as a source of pieces that end at these offsets. */
export async function* inPieces(
  bytes: Uint8Array,
  offsets: readonly number[],
): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const end of [...offsets.toSorted((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

/** Texts and bytes, one piece each. */
export async function* sourceOf(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}

type Options = Partial<ImportOptions>;

/** The import's answer and every row read back; throws when it was refused. */
export async function stored(source: AsyncIterable<Uint8Array>, options: Options = {}) {
  const store = createMemoryStore();
  const result = await importSeeds(source, {
    format: 'detect',
    store,
    prefix: 'seeds/',
    ...options,
  });
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.problems));
  const rows: JsonObject[] = [];
  for await (const row of createSeedReader(store, result.seedSet).rows()) rows.push(row);
  return { ...result, rows, store };
}

/** The import's problems; throws when it was stored. */
export async function refused(source: AsyncIterable<Uint8Array>, options: Options = {}) {
  const store = createMemoryStore();
  const result = await importSeeds(source, {
    format: 'detect',
    store,
    prefix: 'seeds/',
    ...options,
  });
  if (result.kind === 'stored') throw new Error(`stored ${result.seedSet.rows} rows`);
  return result.problems;
}

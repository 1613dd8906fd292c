import { createHash } from 'node:crypto';
import { assert } from '#domain/assert.ts';
import type { JsonObject } from '#domain/json.ts';
import { seedCacheBytesMax } from '#domain/limits.ts';
import { countVariables, rowText, type VariableReport } from '#domain/seed.ts';
import type { Variable } from '#domain/template.ts';
import type { SeedSet } from '#store/contract.ts';
import type { ChunkStore } from './contract.ts';
import { type Chunk, parseChunkRow, readChunk } from './read-chunk.ts';

export interface SeedReader {
  /** The row at a 0-based index. Rejects where its chunk is missing or damaged. */
  rowAt(index: number): Promise<JsonObject>;
  /** All rows in order, one chunk in memory at a time. */
  rows(): AsyncGenerator<JsonObject>;
}

type ChunkRef = SeedSet['chunks'][number];

/**
 * Reads a set's rows in any order. Chunks are verified when loaded and kept as bytes, the least recently used
 * dropped beyond `cacheBytesMax`; only the row asked for is parsed. Reads of one chunk at the same time load it once.
 */
export function createSeedReader(
  store: Pick<ChunkStore, 'get'>,
  seedSet: Pick<SeedSet, 'rows' | 'chunks'>,
  cacheBytesMax: number = seedCacheBytesMax,
): SeedReader {
  const starts = startsOf(seedSet.chunks);
  const load = cached((chunk: ChunkRef) => readChunk(store, chunk), cacheBytesMax);

  async function rowAt(index: number): Promise<JsonObject> {
    assert(
      Number.isInteger(index) && index >= 0 && index < seedSet.rows,
      `seed row ${index} is asked for; the set has rows 0 to ${seedSet.rows - 1}`,
    );
    const at = chunkOf(starts, index);
    const ref = seedSet.chunks[at];
    assert(ref !== undefined, `seed row ${index} is in no chunk of the set`);
    return parseChunkRow(await load(ref), index - (starts[at] ?? 0));
  }

  async function* rows(): AsyncGenerator<JsonObject> {
    for (const ref of seedSet.chunks) {
      // Past the cache: one pass over a large set would only push out what others use.
      const chunk = await readChunk(store, ref);
      for (let row = 0; row < ref.rows; row += 1) yield parseChunkRow(chunk, row);
    }
  }

  return { rowAt, rows };
}

/** SHA-256 in hex over the row's normalised text. */
export function rowSha256(row: JsonObject): string {
  return createHash('sha256').update(rowText(row)).digest('hex');
}

/** Which rows lack what the template requires, exactly, by one pass over all rows. */
export async function rowsMissing(
  rows: AsyncIterable<JsonObject>,
  variables: readonly Pick<Variable, 'path' | 'use'>[],
): Promise<VariableReport> {
  const count = countVariables(variables);
  for await (const row of rows) count.add(row);
  return count.report();
}

function startsOf(chunks: readonly ChunkRef[]): readonly number[] {
  const starts: number[] = [];
  let next = 0;
  for (const { rows } of chunks) {
    starts.push(next);
    next += rows;
  }
  return starts;
}

/** The last chunk that starts at or before the row: chunks of large rows hold fewer than `chunkRows`. */
function chunkOf(starts: readonly number[], index: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

function cached(
  load: (ref: ChunkRef) => Promise<Chunk>,
  bytesMax: number,
): (ref: ChunkRef) => Promise<Chunk> {
  const loading = new Map<string, Promise<Chunk>>();
  /** In order of use, the latest last. */
  const kept = new Map<string, Chunk>();
  let bytes = 0;

  function keep(key: string, chunk: Chunk): void {
    kept.set(key, chunk);
    bytes += chunk.bytes.length;
    for (const [oldKey, old] of kept) {
      if (bytes <= bytesMax) return;
      kept.delete(oldKey);
      bytes -= old.bytes.length;
    }
  }

  async function loadAndKeep(ref: ChunkRef): Promise<Chunk> {
    try {
      const chunk = await load(ref);
      keep(ref.key, chunk);
      return chunk;
    } finally {
      loading.delete(ref.key);
    }
  }

  return async (ref) => {
    const chunk = kept.get(ref.key);
    if (chunk !== undefined) {
      kept.delete(ref.key);
      kept.set(ref.key, chunk);
      return chunk;
    }
    const started = loading.get(ref.key) ?? loadAndKeep(ref);
    loading.set(ref.key, started);
    return started;
  };
}

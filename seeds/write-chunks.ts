import { createHash } from 'node:crypto';
import type { JsonObject } from '#domain/json.ts';
import { rowText, seedSetId } from '#domain/seed.ts';
import type { SeedSet } from '#store/contract.ts';
import type { ImportedSeedSet, ImportOptions, SeedLimits } from './contract.ts';
import { createColumnProfile } from './profile-columns.ts';
import { SeedRefusal } from './refusal.ts';

/** Stores rows as they come. Nothing refers to the chunks before `finish`, whose answer the caller stores. */
export interface ChunkWriter {
  /** Why the row cannot be part of a set, or null once it is. Awaits the store when a chunk is full. */
  add(row: JsonObject, line: number): Promise<string | null>;
  finish(): Promise<ImportedSeedSet>;
}

/**
 * Chunks are named by their content, so an import that is repeated, or that shares rows with another, writes the
 * same objects; for the same reason a refused import deletes none: another set may stand on them.
 */
export function createChunkWriter(
  { store, prefix }: Pick<ImportOptions, 'store' | 'prefix'>,
  limits: SeedLimits,
): ChunkWriter {
  const columns = createColumnProfile(limits);
  const digest = createHash('sha256');
  const chunks: SeedSet['chunks'][number][] = [];
  let lines: string[] = [];
  let chunkBytes = 0;
  let bytes = 0;
  let rows = 0;

  async function add(row: JsonObject, line: number): Promise<string | null> {
    const text = `${rowText(row)}\n`;
    const size = Buffer.byteLength(text);
    if (size - 1 > limits.rowBytesMax) return rowTooLong(size - 1, limits.rowBytesMax);
    columns.add(row, line);
    rows += 1;
    bytes += size;
    if (rows > limits.rowsMax) throw tooMany(`rows; ${limits.rowsMax} are the most allowed`, line);
    if (bytes > limits.bytesMax) {
      throw tooMany(`bytes as JSON Lines; ${limits.bytesMax} are the most allowed`, line);
    }
    lines.push(text);
    chunkBytes += size;
    if (lines.length >= limits.chunkRowsMax || chunkBytes >= limits.chunkBytes) await flush();
    return null;
  }

  async function flush(): Promise<void> {
    const content = Buffer.from(lines.join(''));
    const sha256 = createHash('sha256').update(content).digest('hex');
    const chunk = { key: `${prefix}${sha256}`, rows: lines.length, sha256 };
    lines = [];
    chunkBytes = 0;
    digest.update(content);
    // Replaced, not put if absent: importing the same rows again repairs a chunk that was damaged.
    await store.put(chunk.key, content);
    chunks.push(chunk);
  }

  async function finish(): Promise<ImportedSeedSet> {
    if (lines.length > 0) await flush();
    const sha256 = digest.digest('hex');
    const chunkRows = limits.chunkRowsMax;
    return {
      id: seedSetId(sha256),
      sha256,
      rows,
      bytes,
      chunkRows,
      chunks,
      columns: columns.all(),
    };
  }

  return { add, finish };
}

function rowTooLong(bytes: number, max: number): string {
  return `The row is ${bytes} bytes as JSON; at most ${max} are allowed. Shorten it.`;
}

function tooMany(what: string, line: number): SeedRefusal {
  return new SeedRefusal(
    line,
    `From this line on the seed data is too many ${what}. Split it into several sets.`,
  );
}

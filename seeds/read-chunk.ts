import { createHash } from 'node:crypto';
import type { JsonObject } from '#domain/json.ts';
import type { SeedSet } from '#store/contract.ts';
import type { ChunkStore } from './contract.ts';

/** A verified chunk: its bytes, and where each row begins, so that one row is parsed without the others. */
export interface Chunk {
  readonly key: string;
  readonly bytes: Buffer;
  readonly starts: readonly number[];
}

/** Stored seed rows that are missing or not what was stored. Importing the same data again repairs them. */
export class SeedChunkError extends Error {
  constructor(key: string, detail: string) {
    super(`Seed chunk ${key} ${detail}. Import the same seed data again to repair it.`);
    this.name = 'SeedChunkError';
  }
}

/** The chunk, its SHA-256 verified. Throws `SeedChunkError` where it is missing or differs. */
export async function readChunk(
  store: Pick<ChunkStore, 'get'>,
  { key, rows, sha256 }: SeedSet['chunks'][number],
): Promise<Chunk> {
  const stored = await store.get(key);
  if (stored === null) throw new SeedChunkError(key, 'is missing from the store');
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const seen = createHash('sha256').update(bytes).digest('hex');
  if (seen !== sha256) {
    throw new SeedChunkError(key, `is damaged: its SHA-256 is ${seen}, stored was ${sha256}`);
  }
  const starts = lineStarts(bytes);
  if (starts.length !== rows) {
    throw new SeedChunkError(key, `holds ${starts.length} rows where its set says ${rows}`);
  }
  return { key, bytes, starts };
}

/** Every line of a chunk ends with a newline, the last too. */
function lineStarts(bytes: Buffer): readonly number[] {
  const starts: number[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
    starts.push(start);
    start = end + 1;
  }
  return starts;
}

/** The chunk's row at a 0-based place in it. */
export function parseChunkRow({ bytes, starts }: Chunk, place: number): JsonObject {
  const end = starts[place + 1] ?? bytes.length;
  // Its digest says that this is what an import wrote, so it is an object.
  const row: JsonObject = JSON.parse(bytes.toString('utf8', starts[place], end));
  return row;
}

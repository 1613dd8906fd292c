import type { SeedProblem } from '#domain/seed.ts';
import { type ImportOptions, type SeedImport, type SeedLimits, seedLimits } from './contract.ts';
import { readRows } from './read-rows.ts';
import { readText } from './read-text.ts';
import { SeedRefusal } from './refusal.ts';
import { type ChunkWriter, createChunkWriter } from './write-chunks.ts';

/**
 * Streams seed data into stored chunks. `stored` describes a set that is complete in the store and becomes visible
 * when the caller stores the description; `refused` lists up to `problemsMax` problems and leaves nothing that
 * anyone can see. The source is read no faster than the store accepts chunks, and no further than the refusal.
 * Rejects only when the source or the store does.
 */
export async function importSeeds(
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<SeedImport> {
  const limits = { ...seedLimits, ...options.limits };
  const writer = createChunkWriter(options, limits);
  const found = await readInto(writer, source, options, limits);
  if (found.problems.length > 0) return { kind: 'refused', problems: found.problems };
  return {
    kind: 'stored',
    seedSet: await writer.finish(),
    warnings: [...found.dropped].map(
      ([key, rows]) =>
        `The key "${key}" was dropped from ${rows} rows: templates cannot read it. Rename it to keep it.`,
    ),
  };
}

interface Found {
  readonly problems: SeedProblem[];
  /** Dropped keys and how many rows had them. */
  readonly dropped: Map<string, number>;
}

async function readInto(
  writer: ChunkWriter,
  source: AsyncIterable<Uint8Array>,
  { format }: ImportOptions,
  limits: SeedLimits,
): Promise<Found> {
  const found: Found = { problems: [], dropped: new Map() };
  let index = 0;
  try {
    for await (const read of readRows(readText(source, limits.bytesMax), format, limits)) {
      const detail = read.kind === 'row' ? await takeRow(writer, found, read) : read.detail;
      if (detail !== null) found.problems.push({ line: read.line, row: index, detail });
      if (found.problems.length >= limits.problemsMax) return found;
      index += 1;
    }
    if (index === 0)
      throw new SeedRefusal(null, 'The seed data has no rows. At least one is needed.');
  } catch (error) {
    if (!(error instanceof SeedRefusal)) throw error;
    found.problems.push({ line: error.line, row: null, detail: error.message });
  }
  return found;
}

async function takeRow(
  writer: ChunkWriter,
  found: Found,
  read: { row: Parameters<ChunkWriter['add']>[0]; line: number; dropped: readonly string[] },
): Promise<string | null> {
  for (const key of read.dropped) found.dropped.set(key, (found.dropped.get(key) ?? 0) + 1);
  // The set is refused already: the rest is read for its problems only.
  if (found.problems.length > 0) return null;
  return writer.add(read.row, read.line);
}

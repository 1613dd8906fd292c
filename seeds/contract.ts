import type { SeedProblem } from '#domain/seed.ts';
import type { Objects, SeedSet } from '#store/contract.ts';
import {
  seedBytesMax,
  seedChunkBytes,
  seedChunkRowsMax,
  seedColumnNameMax,
  seedColumnsMax,
  seedDepthMax,
  seedProblemsMax,
  seedRowBytesMax,
  seedRowsMax,
} from '#domain/limits.ts';

export type SeedFormat = 'json' | 'jsonl' | 'csv';

/** What seeds need of the object store. */
export type ChunkStore = Pick<Objects, 'put' | 'get'>;

export interface SeedLimits {
  readonly bytesMax: number;
  readonly rowsMax: number;
  readonly rowBytesMax: number;
  readonly depthMax: number;
  readonly columnsMax: number;
  readonly columnNameMax: number;
  readonly problemsMax: number;
  readonly chunkRowsMax: number;
  readonly chunkBytes: number;
}

export const seedLimits: SeedLimits = {
  bytesMax: seedBytesMax,
  rowsMax: seedRowsMax,
  rowBytesMax: seedRowBytesMax,
  depthMax: seedDepthMax,
  columnsMax: seedColumnsMax,
  columnNameMax: seedColumnNameMax,
  problemsMax: seedProblemsMax,
  chunkRowsMax: seedChunkRowsMax,
  chunkBytes: seedChunkBytes,
};

export interface ImportOptions {
  readonly format: SeedFormat | 'detect';
  readonly store: ChunkStore;
  /** Put before each chunk's digest to make its key, for instance `seeds/`. */
  readonly prefix: string;
  readonly limits?: Partial<SeedLimits>;
}

/** A seed set as its rows make it; the caller adds when it was stored. */
export type ImportedSeedSet = Omit<SeedSet, 'createdAt'>;

export type SeedImport =
  | {
      readonly kind: 'stored';
      readonly seedSet: ImportedSeedSet;
      /** What normalisation changed, for people. */
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'refused'; readonly problems: readonly SeedProblem[] };

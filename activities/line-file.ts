/** The files of an export, written and described in one pass: by an export, and again by a replay of it. */
import { createHash, type Hash } from 'node:crypto';
import type { JsonObject } from '#domain/json.ts';
import type { exportFiles, ManifestFile } from '#domain/manifest.ts';
import type { ObjectWriter } from '#store/contract.ts';
import type { PartLine } from './part.ts';

/** One JSON Lines file under way, hashed and counted as it is written. */
export interface LineFile {
  add(line: JsonObject): void;
  flush(): Promise<void>;
  finish(): Promise<ManifestFile>;
  abort(): Promise<void>;
}

export interface LineFiles {
  readonly records: LineFile;
  readonly provenance: LineFile;
  readonly failures: LineFile;
}

/** An export's files, each over the writer that stands for its path. */
export async function openLineFiles(
  open: (path: (typeof exportFiles)[number]) => Promise<ObjectWriter>,
): Promise<LineFiles> {
  const file = async (path: (typeof exportFiles)[number]) => lineFile(path, await open(path));
  return {
    records: await file('records.jsonl'),
    provenance: await file('provenance.jsonl'),
    failures: await file('failures.jsonl'),
  };
}

/** Adds a batch's finished lines, in their order. */
export async function writeLines(files: LineFiles, lines: readonly PartLine[]): Promise<void> {
  const { records, provenance, failures } = files;
  for (const { kind, line, provenance: origin } of lines) {
    (kind === 'accepted' ? records : failures).add(line);
    provenance.add(origin);
  }
  await Promise.all([records.flush(), provenance.flush(), failures.flush()]);
}

function lineFile(path: string, writer: ObjectWriter): LineFile {
  const hash: Hash = createHash('sha256');
  let pending = '';
  let bytes = 0;
  let rows = 0;
  let first: number | null = null;
  let last: number | null = null;

  async function flush(): Promise<void> {
    if (pending === '') return;
    const chunk = new TextEncoder().encode(pending);
    pending = '';
    bytes += chunk.length;
    hash.update(chunk);
    await writer.write(chunk);
  }

  return {
    add(line) {
      pending += `${JSON.stringify(line)}\n`;
      rows += 1;
      last = Number(line['index']);
      first ??= last;
    },
    flush,
    async finish() {
      await flush();
      await writer.commit();
      return {
        path,
        bytes,
        rows,
        sha256: hash.digest('hex'),
        first_index: first,
        last_index: last,
      };
    },
    abort: () => writer.abort(),
  };
}

import type { JournalEntry } from '#store/contract.ts';
import type { Folders } from './folders.ts';
import { createJournalWriter, type JournalWriter } from './journal-writer.ts';

/** The writers of all attempts of this process, with a bound on open files and on memory. */
export interface JournalWriters {
  append(path: string, entries: readonly JournalEntry[]): Promise<void>;
  /** Awaits the appends under way, then closes every file; later appends reject. */
  close(): Promise<void>;
}

/** Files that stay open between appends: nobody says when an attempt has ended. */
const openFilesMax = 256;
/** Idle attempts that may go on. One beyond is forgotten, and a later append to it is refused. */
const writersMax = 10_000;

export function createJournalWriters(folders: Folders): JournalWriters {
  // The longest unused first: a Map keeps the order of insertion.
  const writers = new Map<string, JournalWriter>();
  const withFile = new Map<string, JournalWriter>();
  const underWay = new Set<Promise<void>>();
  let isClosed = false;

  async function append(path: string, entries: readonly JournalEntry[]): Promise<void> {
    if (isClosed) throw new Error(`journal ${path} was closed; nothing was written`);
    const writer = writers.get(path) ?? createJournalWriter(path, folders);
    moveToEnd(writers, path, writer);
    moveToEnd(withFile, path, writer);
    const written = writer.append(entries);
    const resting = dropIdle(withFile, openFilesMax).map((idle) => idle.rest());
    dropIdle(writers, writersMax);
    const done = Promise.all([written, ...resting]).then(() => undefined);
    underWay.add(done);
    try {
      await done;
    } finally {
      underWay.delete(done);
    }
  }

  async function close(): Promise<void> {
    isClosed = true;
    await Promise.allSettled(underWay);
    await Promise.all([...withFile.values()].map((writer) => writer.rest()));
    withFile.clear();
    writers.clear();
  }

  return { append, close };
}

function moveToEnd(map: Map<string, JournalWriter>, path: string, writer: JournalWriter): void {
  map.delete(path);
  map.set(path, writer);
}

/** Takes the longest unused out of the map until it is small enough; one that is writing stays. */
function dropIdle(map: Map<string, JournalWriter>, sizeMax: number): JournalWriter[] {
  const dropped: JournalWriter[] = [];
  for (const [path, writer] of map) {
    if (map.size <= sizeMax) break;
    if (writer.isBusy()) continue;
    map.delete(path);
    dropped.push(writer);
  }
  return dropped;
}

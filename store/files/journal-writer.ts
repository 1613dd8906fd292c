import type { JournalEntry } from '#store/contract.ts';
import type { Folders } from './folders.ts';
import { createJournalFile } from './journal-file.ts';

/** The one writer of an attempt's file. */
export interface JournalWriter {
  /** Resolves when the entries are durable, after all that were appended before. */
  append(entries: readonly JournalEntry[]): Promise<void>;
  isBusy(): boolean;
  /** Lets go of the file handle; a later append takes it up again. Only while not busy. */
  rest(): Promise<void>;
}

interface Waiting {
  readonly entries: readonly JournalEntry[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Appends in groups: what arrives while a sync is under way goes out together in the next one. */
export function createJournalWriter(path: string, folders: Folders): JournalWriter {
  const file = createJournalFile(path, folders);
  let waiting: Waiting[] = [];
  let isFlushing = false;

  function append(entries: readonly JournalEntry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      waiting.push({ entries, resolve, reject });
      // Never rejects: every error is told to the appends it concerns.
      if (!isFlushing) void flush();
    });
  }

  async function flush(): Promise<void> {
    isFlushing = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      try {
        await file.append(group.flatMap((one) => one.entries));
        for (const one of group) one.resolve();
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    // In the same turn as the last look at `waiting`: an append in between would wait for ever.
    isFlushing = false;
  }

  return { append, isBusy: () => isFlushing, rest: file.rest };
}

import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Journal, JournalAttempt } from '#store/contract.ts';
import { createFolders } from './folders.ts';
import { parseLines } from './journal-line.ts';
import { createJournalWriters } from './journal-writers.ts';
import { checkSegment, hasCode } from './paths.ts';

/** A journal in files, and how to let go of them. */
export interface FileJournal extends Journal {
  /** Resolves when the appends under way have ended and every file is closed. */
  close(): Promise<void>;
}

/** One file per attempt: `<root>/<job>/<batch>/<ordinal>.jsonl`. */
export function createJournal(root: string): FileJournal {
  const folders = createFolders(root);
  const writers = createJournalWriters(folders);
  return {
    append: async ({ jobId, batch, ordinal }, entries) => {
      if (entries.length === 0) return;
      const name = `${ordinal}.jsonl`;
      if (!namePattern.test(name)) {
        throw new Error(`an attempt's ordinal is ${ordinal}; allowed are whole numbers from 1 on`);
      }
      await writers.append(join(folderOf(root, jobId, batch), name), entries);
    },
    read: async (jobId, batch) => readAttempts(folderOf(root, jobId, batch)),
    close: () => writers.close(),
  };
}

const namePattern = /^([1-9]\d{0,14})\.jsonl$/;

function folderOf(root: string, jobId: string, batch: string): string {
  checkSegment(jobId, "a journal's job id");
  checkSegment(batch, "a journal's batch");
  return join(root, jobId, batch);
}

async function readAttempts(folder: string): Promise<JournalAttempt[]> {
  const ordinals = (await namesIn(folder))
    .map((name) => Number(namePattern.exec(name)?.[1] ?? Number.NaN))
    .filter((ordinal) => !Number.isNaN(ordinal))
    .sort((a, b) => a - b);
  const attempts: JournalAttempt[] = [];
  for (const ordinal of ordinals) {
    const pieces = createReadStream(join(folder, `${ordinal}.jsonl`));
    attempts.push({ ordinal, entries: await parseLines(pieces) });
  }
  return attempts;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

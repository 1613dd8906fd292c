import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JournalEntry } from '#store/contract.ts';
import type { Folders } from './folders.ts';
import { toLine } from './journal-line.ts';
import { hasCode } from './paths.ts';

/** An attempt's file as its only writer knows it; one call at a time. */
export interface JournalFile {
  /** Resolves when the entries are durable; where it rejects, no torn line stands before later ones. */
  append(entries: readonly JournalEntry[]): Promise<void>;
  /** Closes the file; the next append opens it again. */
  rest(): Promise<void>;
}

/** What is known to be durable in the file. */
interface Extent {
  readonly entries: number;
  readonly bytes: number;
}

/** The first append makes the file and rejects where it exists: that file's writer is somebody else. */
export function createJournalFile(path: string, folders: Folders): JournalFile {
  let handle: FileHandle | null = null;
  let extent: Extent | null = null;
  /** Why nothing more may be written: what the file's end looks like is not known. */
  let broken: Error | null = null;

  async function append(entries: readonly JournalEntry[]): Promise<void> {
    if (broken !== null) throw broken;
    const before = extent ?? (await create());
    handle ??= await reopen(path, before);
    const lines = entries.map((entry, index) => toLine(entry, before.entries + index));
    const bytes = Buffer.from(lines.join(''));
    await writeOrCutBack(handle, bytes, before);
    extent = { entries: before.entries + entries.length, bytes: before.bytes + bytes.length };
  }

  async function create(): Promise<Extent> {
    await folders.ensure(dirname(path));
    handle = await openNew(path);
    await orBreak(() => folders.sync(dirname(path)));
    return { entries: 0, bytes: 0 };
  }

  async function writeOrCutBack(file: FileHandle, bytes: Buffer, before: Extent): Promise<void> {
    try {
      await writeAt(file, bytes, before.bytes);
    } catch (error) {
      // For instance a full disk. The torn line goes, so that no later entry stands behind it.
      await orBreak(() => file.truncate(before.bytes));
      await orBreak(() => file.datasync());
      extent = before;
      throw error;
    }
    // After a failed sync the system may have dropped the bytes and yet call the next sync a success.
    await orBreak(() => file.datasync());
  }

  async function orBreak(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const rule = 'this attempt takes no more entries; a new attempt will';
      broken = new Error(`journal ${path} could not be written safely: ${rule}`, { cause: error });
      throw broken;
    }
  }

  async function rest(): Promise<void> {
    const resting = handle;
    handle = null;
    await resting?.close();
  }

  return { append, rest };
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    const rule = 'an attempt has one writer, so open a new attempt';
    throw new Error(`journal ${path} already has a writer; ${rule}`, { cause: error });
  }
}

async function reopen(path: string, extent: Extent): Promise<FileHandle> {
  const handle = await open(path, 'r+');
  const { size } = await handle.stat();
  if (size === extent.bytes) return handle;
  await handle.close();
  throw new Error(
    `journal ${path} has ${size} bytes where its writer left ${extent.bytes}; an attempt has one writer, so open a new attempt`,
  );
}

/** Writes all bytes at the offset; a short write is continued, not taken for done. */
async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
  }
}

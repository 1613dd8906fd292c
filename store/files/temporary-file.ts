import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Folders } from './folders.ts';
import { hasCode } from './paths.ts';

/** A file that is not yet visible under its key. Every failure removes it and leaves what stood. */
export interface TemporaryFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Takes the place of what stood, durably. */
  replace(): Promise<void>;
  /** Takes the place unless it is taken: of several processes exactly one is told `stored`. */
  claim(): Promise<'stored' | 'exists'>;
  /** Removes it; nothing happens after `replace` or `claim`. */
  discard(): Promise<void>;
}

let filesMade = 0;

/** A temporary file beside its target, which is made visible by a rename or link in the same folder. */
export async function createTemporaryFile(
  target: string,
  folders: Folders,
): Promise<TemporaryFile> {
  await folders.ensure(dirname(target));
  filesMade += 1;
  // A key has no "~", so a file that a killed process left behind is never taken for an object.
  const name = `~${process.pid}-${Date.now()}-${filesMade}-${basename(target).slice(0, 100)}`;
  const path = join(dirname(target), name);
  const handle = await open(path, 'wx');
  let isDone = false;
  let underWay: Promise<unknown> = Promise.resolve();

  async function remove(): Promise<void> {
    if (isDone) return;
    isDone = true;
    await handle.close();
    await unlink(path);
  }

  /** Awaits what is under way: a file that is just being made visible is not there to be removed. */
  async function discard(): Promise<void> {
    await underWay;
    await remove();
  }

  async function orDiscard<Result>(work: () => Promise<Result>): Promise<Result> {
    if (isDone) throw new Error(`the writer of ${target} has ended; open another one`);
    const result = work();
    underWay = result.catch(() => undefined);
    try {
      return await result;
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async function replace(): Promise<void> {
    await handle.sync();
    await rename(path, target);
    isDone = true;
    await handle.close();
    await folders.sync(dirname(target));
  }

  async function claim(): Promise<'stored' | 'exists'> {
    await handle.sync();
    const outcome = await linkIfAbsent(path, target);
    await remove();
    // Also where it exists: who put it may have been killed before making the name durable.
    await folders.sync(dirname(target));
    return outcome;
  }

  return {
    write: (bytes) => orDiscard(() => writeAll(handle, bytes)),
    replace: () => orDiscard(replace),
    claim: () => orDiscard(claim),
    discard,
  };
}

async function linkIfAbsent(path: string, target: string): Promise<'stored' | 'exists'> {
  try {
    // Unlike rename, link fails where the name is taken, in one step between all processes.
    await link(path, target);
    return 'stored';
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'exists';
    throw error;
  }
}

/** Writes every byte at the file's position; a short write is continued, not taken for done. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at)).bytesWritten;
  }
}

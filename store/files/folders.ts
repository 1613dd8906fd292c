import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes folders that a power cut does not take away again. */
export interface Folders {
  /** Makes the folder and those above it up to the root; resolves when each is durable in its parent. */
  ensure(folder: string): Promise<void>;
  /** Makes the names in the folder durable. */
  sync(folder: string): Promise<void>;
}

/** Folders known to be durable are remembered up to so many; then the memory starts anew. */
const rememberedMax = 20_000;

export function createFolders(root: string): Folders {
  const durable = new Set<string>();

  async function ensure(folder: string): Promise<void> {
    if (durable.has(folder)) return;
    await mkdir(folder, { recursive: true });
    // Also where another process made the folder: it may not have come to syncing it.
    if (folder !== root) await ensure(dirname(folder));
    await sync(dirname(folder));
    if (durable.size >= rememberedMax) durable.clear();
    durable.add(folder);
  }

  return { ensure, sync };
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { createReadStream } from 'node:fs';
import { readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Objects, ObjectWriter } from '#store/contract.ts';
import { createFolders, type Folders } from './folders.ts';
import { hasCode, pathOfKey } from './paths.ts';
import { createTemporaryFile } from './temporary-file.ts';

const readBytes = 256 * 1024;

/**
 * Objects as files under `root`, the key being the path. Written beside their place, synced, then made
 * visible in one step: a reader sees all of an object or none. No key can also be the folder of another.
 */
export function createObjects(root: string): Objects {
  const folders = createFolders(root);
  return {
    putIfAbsent: async (key, bytes) => putIfAbsent(pathOfKey(root, key), bytes, folders),
    put: async (key, bytes) => {
      const file = await createTemporaryFile(pathOfKey(root, key), folders);
      await file.write(bytes);
      await file.replace();
    },
    get: async (key) => getOrNull(pathOfKey(root, key)),
    read: async (key) => {
      const path = pathOfKey(root, key);
      return (await isObject(path)) ? piecesOf(path) : null;
    },
    write: async (key) => createWriter(pathOfKey(root, key), folders),
    delete: async (key) => remove(pathOfKey(root, key), folders),
  };
}

async function putIfAbsent(
  path: string,
  bytes: Uint8Array,
  folders: Folders,
): Promise<'stored' | 'exists'> {
  if (await isObject(path)) {
    await folders.ensure(dirname(path));
    // Who put it may have been killed between making the name visible and making it durable.
    await folders.sync(dirname(path));
    return 'exists';
  }
  const file = await createTemporaryFile(path, folders);
  await file.write(bytes);
  return file.claim();
}

async function getOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Whether an object stands there; throws where the path is a folder, which no key may also be. */
async function isObject(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (found.isFile()) return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  throw new Error(`${path} is a folder of other objects; a key cannot be both, so choose another`);
}

function isAbsent(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}

/** Opens the file when the first piece is asked for, so that a reader who never asks leaks nothing. */
async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  for await (const piece of createReadStream(path, { highWaterMark: readBytes })) yield piece;
}

async function createWriter(path: string, folders: Folders): Promise<ObjectWriter> {
  const file = await createTemporaryFile(path, folders);
  return { write: file.write, commit: file.replace, abort: file.discard };
}

async function remove(path: string, folders: Folders): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  await folders.sync(dirname(path));
}

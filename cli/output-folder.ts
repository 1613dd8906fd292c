import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { exportFiles } from '#domain/manifest.ts';
import type { ApiClient } from './api-client.ts';
import { CliError, usageError } from './cli-error.ts';
import { verifyFolder } from './verify.ts';

const manifestFile = 'manifest.json';

/** The manifest last: where it stands, every file that it lists does. */
const delivered: readonly string[] = [...exportFiles, manifestFile];

/** Refuses, before anything is paid, a folder in which other files than a dataset's stand. */
export async function requireOwnFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const names = await namesIn(folder);
  // Files of ours without a manifest: putting them in place was cut off.
  const isOurs = names.every((name) => delivered.includes(name));
  if (isOurs || (await jobOfFolder(folder)) !== null) return;
  const seen = names.slice(0, 3).join(', ');
  throw usageError(
    'foreign_folder',
    `The folder ${folder} has files that are not a dataset of Plot Palette (${seen}${names.length > 3 ? ', …' : ''}); they are not overwritten.`,
    'Name another folder with --out, or empty this one.',
  );
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw usageError(
      'bad_folder',
      `${folder} is not a folder: ${String(cause)}.`,
      'Name another one with --out.',
    );
  }
}

/** The job whose dataset the folder holds, or null where it holds none. */
async function jobOfFolder(folder: string): Promise<string | null> {
  const shape = z.object({ schema_version: z.literal(1), job_id: z.string() });
  try {
    return shape.parse(JSON.parse(await readFile(join(folder, manifestFile), 'utf8'))).job_id;
  } catch {
    return null;
  }
}

/** A newer export may be delivered between two downloads; then the files do not fit each other. */
const downloadTries = 3;

export interface Delivery {
  readonly folder: string;
  readonly files: number;
  /** The job whose dataset stood there before; null for none, or for this one's own. */
  readonly replaced: string | null;
}

/**
 * Downloads a job's export, verifies it, then puts it in place: whoever looks into the folder sees the
 * old dataset, none, or the new one whole. Rejects where the files do not verify.
 */
export async function deliverOutput(
  client: ApiClient,
  jobId: string,
  folder: string,
): Promise<Delivery> {
  await requireOwnFolder(folder);
  const target = resolve(folder);
  const before = await jobOfFolder(target);
  await mkdir(dirname(target), { recursive: true });
  const draft = await mkdtemp(join(dirname(target), `.${basename(target)}.`));
  try {
    await downloadVerified(client, jobId, draft);
    await putInPlace(draft, target);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  const replaced = before === jobId ? null : before;
  return { folder: target, files: delivered.length, replaced };
}

async function downloadVerified(client: ApiClient, jobId: string, draft: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    for (const file of delivered) await download(client, jobId, join(draft, file), file);
    try {
      await verifyFolder(draft);
      return;
    } catch (error) {
      if (!(error instanceof CliError) || tries === downloadTries) throw error;
    }
  }
}

async function download(
  client: ApiClient,
  jobId: string,
  path: string,
  file: string,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const body = await client.download(jobId, file);
      await pipeline(Readable.from(bytesOf(body)), createWriteStream(path, { flush: true }));
      return;
    } catch (error) {
      // A connection that broke off in the middle: the API is started again, the file begins anew.
      if (error instanceof CliError || tries === downloadTries) throw error;
      await client.revive();
    }
  }
}

async function* bytesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* body;
}

async function putInPlace(draft: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  // Without its manifest a folder is no dataset: so it is while old and new files stand side by side.
  await rm(join(target, manifestFile), { force: true });
  await syncFolder(target);
  for (const file of delivered) await rename(join(draft, file), join(target, file));
  await syncFolder(target);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

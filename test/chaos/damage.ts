/** What a bad disk does to files: a flipped bit, a lost end. */
import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '#domain/prng.ts';

export function flipBit(file: string, random: Prng): string {
  const bytes = readFileSync(file);
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  writeFileSync(file, bytes);
  return `a bit of byte ${at} of ${bytes.length} of ${shortName(file)}`;
}

export function cutEnd(file: string, random: Prng): string {
  const { size } = statSync(file);
  const left = random.below(size);
  truncateSync(file, left);
  return `${size - left} of ${size} bytes of ${shortName(file)}`;
}

function shortName(file: string): string {
  return file.split('/').slice(-4).join('/');
}

/** Journals of batches that have no part yet: what is wrong with them matters. */
export function journalsInUse(home: string, job: string): string[] {
  const parts = new Set(partFiles(home, job).map((file) => file.split('/').at(-1)));
  const folder = join(home, 'journal', job);
  return namesIn(folder)
    .filter((batch) => !parts.has(batch))
    .flatMap((batch) => namesIn(join(folder, batch)).map((name) => join(folder, batch, name)))
    .filter((file) => statSync(file).size > 0);
}

export function partFiles(home: string, job: string): string[] {
  const folder = join(home, 'objects', 'parts', job);
  return namesIn(folder).map((name) => join(folder, name));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
}

/** The file of this name in the job's only export. */
export function exportedFile(home: string, job: string, name: string): string {
  const folder = join(home, 'objects', 'exports', job);
  const [only = '', ...others] = namesIn(folder);
  if (others.length > 0) throw new Error(`${job} has exports ${only}, ${others.join(', ')}`);
  return join(folder, only, name);
}

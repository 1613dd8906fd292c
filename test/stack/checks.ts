/** What must hold of a job that ended, whatever happened to its processes; in tests and in the chaos run. */
import { strict as assert } from 'node:assert';
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { JobBody } from '#cli/job-body.ts';
import { type Verified, verifyFolder } from '#cli/verify.ts';
import { usd } from '#domain/money.ts';
import type { TestStack } from './stack.ts';

const line = z.object({ id: z.string(), index: z.int() });

function indexesOf(text: string): number[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((each) => line.parse(JSON.parse(each)).index);
}

/** Each index once, none missing: in records.jsonl or in failures.jsonl. */
export async function expectEveryIndexOnce(stack: TestStack, job: JobBody): Promise<void> {
  const accepted = indexesOf(await stack.download(job.id, 'records.jsonl'));
  const failed = indexesOf(await stack.download(job.id, 'failures.jsonl'));
  const all = [...accepted, ...failed].toSorted((a, b) => a - b);
  const wanted = Array.from({ length: job.records.requested }, (_, index) => index);
  assert.deepEqual(all, wanted);
  assert.equal(job.records.accepted, accepted.length);
  assert.equal(job.records.failed, failed.length);
}

/** G1 and the account's sum: what was billed is counted, and all that is counted is within the limit. */
export async function expectMoneyAddsUp(stack: TestStack, job: JobBody): Promise<void> {
  const { limit, spent, held, unknown, available } = job.cost;
  const { pico: billed } = await stack.billed(job.id);
  const counted = usd(spent) + usd(held) + usd(unknown);
  const account = `${job.id} was billed ${billed} pUSD; its account is ${JSON.stringify(job.cost)}`;
  assert.equal(usd(limit), counted + usd(available), account);
  assert(billed <= counted && billed >= usd(spent), account);
  if (usd(unknown) + usd(held) === 0n) assert.equal(billed, usd(spent), account);
}

/** Downloads the job's files and recomputes all that their manifest says, as `plot verify` does. */
export async function expectExportVerifies(stack: TestStack, job: JobBody): Promise<Verified> {
  return await verifyFolder(await downloadAll(stack, job));
}

/** The folder with the job's files as the API delivers them. */
export async function downloadAll(stack: TestStack, job: JobBody): Promise<string> {
  const folder = await mkdtemp(join(stack.home, 'download-'));
  const paths = job.output?.files.map(({ path }) => path) ?? [];
  assert(paths.includes('manifest.json'), `${job.id} has no export`);
  for (const path of paths) {
    const body = await stack.api.download(job.id, path);
    await pipeline(body, createWriteStream(join(folder, path)));
  }
  return folder;
}

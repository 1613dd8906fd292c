/** Recomputes everything that a dataset's manifest says. Memory does not grow with the dataset. */
import { join } from 'node:path';
import type { Manifest, ManifestFile } from '#domain/manifest.ts';
import { compareLines, type Tally } from './verify-lines.ts';
import { readManifest } from './verify-manifest.ts';
import { difference } from './verify-difference.ts';
import { openLines, type WholeFile } from './verify-read.ts';
import { add, formatUsd, usd } from '#domain/money.ts';

export interface Verified {
  readonly manifest: Manifest;
  readonly bytes: number;
}

/**
 * The manifest and the bytes that stand under it, where everything holds. Throws CliError with exit code
 * 6 naming the first difference: the file, the line where one can be named, both values.
 */
export async function verifyFolder(folder: string): Promise<Verified> {
  const manifest = await readManifest(folder);
  checkSums(manifest);
  const open = (path: string) => openLines(join(folder, path), path);
  const files = {
    records: await open('records.jsonl'),
    failures: await open('failures.jsonl'),
    provenance: await open('provenance.jsonl'),
  };
  try {
    const tally = await compareLines(manifest, files);
    const whole = [
      await files.records.whole(),
      await files.failures.whole(),
      await files.provenance.whole(),
    ];
    for (const file of manifest.files) checkFile(file, whole);
    checkTally(manifest, tally);
    return { manifest, bytes: whole.reduce((sum, { bytes }) => sum + bytes, 0) };
  } finally {
    for (const file of Object.values(files)) await file.close();
  }
}

/** What the manifest must say whatever the files are. */
function checkSums({ records, cost }: Manifest): void {
  const { requested, accepted, rejected, failed, not_started: notStarted } = records;
  const counted = accepted + rejected + failed + notStarted;
  if (counted !== requested) {
    throw difference(
      'manifest.json',
      `records.requested is ${requested}; accepted + rejected + failed + not_started is ${counted}`,
    );
  }
  equalMoney('cost.limit', cost.limit, 'available + held + unknown + spent', [
    cost.available,
    cost.held,
    cost.unknown,
    cost.spent,
  ]);
  equalMoney('cost.spent', cost.spent, 'in_records + not_used', [cost.in_records, cost.not_used]);
}

function equalMoney(name: string, said: string, parts: string, amounts: readonly string[]): void {
  const sum = add(...amounts.map((amount) => usd(amount)));
  if (sum === usd(said)) return;
  throw difference('manifest.json', `${name} is ${said}; ${parts} is ${formatUsd(sum)}`);
}

function checkFile(file: ManifestFile, found: readonly WholeFile[]): void {
  const whole = found.find(({ path }) => path === file.path);
  if (whole === undefined) {
    throw difference('manifest.json', `it lists "${file.path}", which is no file of a dataset`);
  }
  const values = [
    ['bytes', file.bytes, whole.bytes],
    ['rows', file.rows, whole.rows],
    ['first_index', file.first_index, whole.firstIndex],
    ['last_index', file.last_index, whole.lastIndex],
  ] as const;
  for (const [name, said, seen] of values) {
    if (said === seen) continue;
    throw difference(file.path, `${name}: it has ${seen}; manifest.json says ${said}`);
  }
  if (file.sha256 === whole.sha256) return;
  throw difference(
    file.path,
    `its SHA-256 is ${whole.sha256}; manifest.json says ${file.sha256}. No line contradicts another file, so the change is inside a text`,
  );
}

function checkTally({ records, calls, cost }: Manifest, tally: Tally): void {
  const values = [
    ['records.accepted', records.accepted, tally.accepted],
    ['records.rejected', records.rejected, 0],
    ['records.failed', records.failed, tally.failed],
    ['calls', calls, tally.calls],
  ] as const;
  for (const [name, said, seen] of values) {
    if (said === seen) continue;
    throw difference('manifest.json', `${name} is ${said}; the files have ${seen}`);
  }
  if (usd(cost.in_records) === tally.cost) return;
  throw difference(
    'manifest.json',
    `cost.in_records is ${cost.in_records}; provenance.jsonl adds up to ${formatUsd(tally.cost)}`,
  );
}

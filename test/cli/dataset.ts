import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '#domain/json.ts';
import { canonicalJson } from '#domain/manifest.ts';

const spec = createHash('sha256').update('spec').digest('hex');

/** A dataset of 12 records as a job delivers it: all of them, the first few, or those listed. */
export function writeDataset(
  ended: number | readonly number[] = 12,
  edit: (manifest: JsonObject) => JsonObject = (it) => it,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'plot-dataset-'));
  const indexes =
    typeof ended === 'number' ? Array.from({ length: ended }, (_, index) => index) : ended;
  const files = {
    'records.jsonl': indexes.filter((index) => !isFailed(index)).map(recordLine),
    'provenance.jsonl': indexes.map(provenanceLine),
    'failures.jsonl': indexes.filter(isFailed).map(failureLine),
  };
  const listed = Object.entries(files).map(([path, lines]) => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    writeFileSync(join(folder, path), text);
    return {
      path,
      bytes: Buffer.byteLength(text),
      rows: lines.length,
      sha256: sha256(text),
      first_index: lines[0]?.index ?? null,
      last_index: lines.at(-1)?.index ?? null,
    };
  });
  writeManifest(folder, edit(manifestOf(indexes, listed)));
  return folder;
}

/** Writes the manifest with a digest that fits it, whatever it says. */
export function writeManifest(folder: string, manifest: JsonObject): void {
  const whole = { ...manifest, manifest_sha256: sha256(canonicalJson(manifest)) };
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(whole, null, 2)}\n`);
}

function isFailed(index: number): boolean {
  return index === 3 || index === 11;
}

function identity(index: number) {
  return {
    id: `${spec.slice(0, 12)}-${String(index).padStart(6, '0')}`,
    index,
    seed_row: (index * 7) % 5,
    seed_row_sha256: sha256(`row ${(index * 7) % 5}`),
  };
}

function recordLine(index: number) {
  return { ...identity(index), steps: { story: `Süß ${index}` }, models: { story: 'model-a' } };
}

function failureLine(index: number) {
  return { ...identity(index), step: 'story', reason: 'empty-answer', message: 'no text' };
}

function provenanceLine(index: number) {
  const call = { step: 'story', try: 0, hold: '0.1', call: `c${index}`, cost_usd: '0.0001' };
  const calls = isFailed(index) ? [call, { ...call, try: 1 }] : [call];
  const cost = isFailed(index) ? '0.0002' : '0.0001';
  return {
    ...identity(index),
    outcome: isFailed(index) ? 'failed' : 'accepted',
    cost_usd: cost,
    calls,
  };
}

function manifestOf(indexes: readonly number[], files: JsonObject[]): JsonObject {
  const ended = indexes.length;
  const failed = indexes.filter(isFailed).length;
  const inRecords = (0.0001 * (ended + failed)).toFixed(4);
  return {
    schema_version: 1,
    job_id: 'job_01K00000000000000000000000',
    status: ended === 12 ? 'completed' : 'budget_exhausted',
    created_at: '2026-11-20T10:00:00.000Z',
    generator: { name: 'plot-palette', version: '0.1.0' },
    provider: 'simulator',
    template: { id: 'tpl_1', name: 'story', sha256: sha256('template') },
    seeds: { id: 'seeds_1', sha256: sha256('seeds'), rows: 5 },
    job_seed: 42,
    spec_sha256: spec,
    models: { story: 'model-a' },
    price_table_version: '2026-11-20',
    records: {
      requested: 12,
      accepted: ended - failed,
      rejected: 0,
      failed,
      not_started: 12 - ended,
    },
    calls: ended + failed,
    cost: {
      currency: 'USD',
      limit: '1.00',
      spent: (Number(inRecords) + 0.001).toFixed(4),
      held: '0.00',
      unknown: '0.01',
      available: (0.99 - Number(inRecords) - 0.001).toFixed(4),
      in_records: inRecords,
      not_used: '0.001',
    },
    files,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

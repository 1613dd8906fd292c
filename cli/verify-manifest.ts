import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { JsonObject } from '#domain/json.ts';
import { canonicalJson, exportFiles, type Manifest } from '#domain/manifest.ts';
import { parseUsd } from '#domain/money.ts';
import { CliError, exitCodes, usageError } from './cli-error.ts';
import { difference } from './verify-difference.ts';

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'it must be 64 hex digits' });
const money = z
  .string()
  .refine((text) => parseUsd(text).kind === 'parsed', { error: 'it must be an amount in USD' });
const place = z.int().min(0).nullable();

const manifestSchema = z.strictObject({
  schema_version: z.literal(1),
  job_id: z.string(),
  status: z.enum(['completed', 'failed', 'cancelled', 'budget_exhausted']),
  created_at: z.string(),
  generator: z.strictObject({ name: z.string(), version: z.string() }),
  provider: z.enum(['bedrock', 'simulator']),
  template: z.strictObject({ id: z.string(), name: z.string(), sha256 }),
  seeds: z.strictObject({ id: z.string(), sha256, rows: count }),
  job_seed: z.int(),
  spec_sha256: sha256,
  models: z.record(z.string(), z.string()),
  price_table_version: z.string(),
  records: z.strictObject({
    requested: count,
    accepted: count,
    rejected: count,
    failed: count,
    not_started: count,
  }),
  calls: count,
  cost: z.strictObject({
    currency: z.literal('USD'),
    limit: money,
    spent: money,
    held: money,
    unknown: money,
    available: money,
    in_records: money,
    not_used: money,
  }),
  files: z
    .array(
      z.strictObject({
        path: z.enum(exportFiles),
        bytes: count,
        rows: count,
        sha256,
        first_index: place,
        last_index: place,
      }),
    )
    .refine((files) => new Set(files.map(({ path }) => path)).size === exportFiles.length, {
      error: `it must list ${exportFiles.join(', ')}, each once`,
    })
    .length(exportFiles.length),
  manifest_sha256: sha256,
});

const jsonObject = z.record(z.string(), z.json());

/** The folder's manifest, whose own digest holds. Throws CliError otherwise. */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, 'manifest.json');
  requireManifest(folder, file);
  const given = parseObject(await readFile(file, 'utf8'));
  const { manifest_sha256: said, ...rest } = given;
  const digest = createHash('sha256').update(canonicalJson(rest)).digest('hex');
  if (said !== digest) {
    throw difference(
      'manifest.json',
      `manifest_sha256 is ${JSON.stringify(said ?? null)}; its content has ${digest}: it was changed after it was written`,
    );
  }
  const parsed = manifestSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw difference('manifest.json', `${issue?.path.join('.')}: ${issue?.message}`);
}

function requireManifest(folder: string, file: string): void {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw usageError(
      'no_folder',
      `${folder} is not a folder.`,
      'Name the folder that `./plot run` wrote, such as out/film-blurbs.',
    );
  }
  if (existsSync(file)) return;
  throw new CliError({
    code: 'no_manifest',
    exitCode: exitCodes.verification,
    message: `${folder} has no manifest.json, so nothing says what its files should be.`,
    hint: 'Name the folder of a dataset. If a delivery was cut off here, `./plot watch JOB` delivers again.',
  });
}

function parseObject(text: string): JsonObject {
  try {
    return jsonObject.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'it is not an object';
    throw difference('manifest.json', `it is not JSON: ${why}`);
  }
}

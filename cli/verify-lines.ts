/** Walks the three files beside each other: they are in the order of the records' indexes. */
import { z } from 'zod';
import type { Manifest } from '#domain/manifest.ts';
import { add, formatUsd, parseUsd, type PicoUsd, zero } from '#domain/money.ts';
import { difference, lineDifference } from './verify-difference.ts';
import type { Line, LineReader } from './verify-read.ts';

export interface Tally {
  readonly accepted: number;
  readonly failed: number;
  readonly calls: number;
  readonly cost: PicoUsd;
}

export interface DatasetFiles {
  readonly records: LineReader;
  readonly failures: LineReader;
  readonly provenance: LineReader;
}

const identity = {
  id: z.string(),
  index: z.int().min(0),
  seed_row: z.int().min(0),
  seed_row_sha256: z.string(),
};

const recordSchema = z.strictObject({
  ...identity,
  steps: z.record(z.string(), z.string()),
  models: z.record(z.string(), z.string()),
});

const failureSchema = z.strictObject({
  ...identity,
  step: z.string(),
  reason: z.string(),
  message: z.string(),
});

const cost = z.string().transform((text, ctx): PicoUsd => {
  const parsed = parseUsd(text);
  if (parsed.kind === 'parsed') return parsed.amount;
  ctx.addIssue({ code: 'custom', message: parsed.reason });
  return z.NEVER;
});

const provenanceSchema = z.strictObject({
  ...identity,
  outcome: z.enum(['accepted', 'failed']),
  cost_usd: cost,
  calls: z.array(z.looseObject({ cost_usd: cost })),
});

type Provenance = z.output<typeof provenanceSchema>;
type Identity = Pick<Provenance, 'id' | 'index' | 'seed_row' | 'seed_row_sha256'>;

/** Counts and costs of the files, where every line has its place. Throws CliError at the first that has not. */
export async function compareLines(manifest: Manifest, files: DatasetFiles): Promise<Tally> {
  const tally = { accepted: 0, failed: 0, calls: 0, cost: zero };
  let last = -1;
  for (;;) {
    const line = await files.provenance.next();
    if (line === null) break;
    const origin = parseLine(files.provenance.path, line, provenanceSchema);
    checkIndex(manifest, line, origin, last);
    checkCost(line, origin);
    last = origin.index;
    files.provenance.indexed(origin.index);
    await checkOutcome(files, line, origin);
    tally[origin.outcome] += 1;
    tally.calls += origin.calls.length;
    tally.cost = add(tally.cost, origin.cost_usd);
  }
  await requireEnd(files.records);
  await requireEnd(files.failures);
  return tally;
}

function parseLine<Schema extends z.ZodType>(
  path: string,
  line: Line,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(jsonOf(path, line));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.join('.') ?? '';
  throw lineDifference(path, line.number, `${at === '' ? '' : `${at}: `}${issue?.message}`);
}

function jsonOf(path: string, line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch (error) {
    throw lineDifference(path, line.number, `it is not JSON: ${String(error)}`);
  }
}

/** Ascending indexes are all different; where every record has ended, none may be left out either. */
function checkIndex(
  { records, spec_sha256: spec }: Manifest,
  line: Line,
  { id, index }: Identity,
  last: number,
): void {
  const say = (what: string) => lineDifference('provenance.jsonl', line.number, what);
  if (index <= last) throw say(`index is ${index}, after ${last}: each comes once, in order`);
  if (index >= records.requested) {
    throw say(`index is ${index}; ${records.requested} records were asked for, from 0 on`);
  }
  if (records.not_started === 0 && index !== last + 1) {
    throw say(`index is ${index}; ${last + 1} is missing, and no record is said to be not started`);
  }
  const expected = `${spec.slice(0, 12)}-${String(index).padStart(6, '0')}`;
  if (id !== expected) throw say(`id is "${id}"; the job's record ${index} is "${expected}"`);
}

function checkCost(line: Line, { cost_usd: said, calls }: Provenance): void {
  const sum = add(zero, ...calls.map((call) => call.cost_usd));
  if (sum === said) return;
  throw lineDifference(
    'provenance.jsonl',
    line.number,
    `cost_usd is ${formatUsd(said)}; its calls add up to ${formatUsd(sum)}`,
  );
}

/** The record's own line stands in the file of its outcome, and is the next one there. */
async function checkOutcome(files: DatasetFiles, line: Line, origin: Provenance): Promise<void> {
  const reader = origin.outcome === 'accepted' ? files.records : files.failures;
  const schema = origin.outcome === 'accepted' ? recordSchema : failureSchema;
  const says = `provenance.jsonl line ${line.number} says that record ${origin.index} is ${origin.outcome}`;
  const own = await reader.next();
  if (own === null) throw difference(reader.path, `a line is missing at the end; ${says}`);
  const found: Identity = parseLine(reader.path, own, schema);
  reader.indexed(found.index);
  for (const name of ['index', 'id', 'seed_row', 'seed_row_sha256'] as const) {
    if (found[name] === origin[name]) continue;
    throw lineDifference(
      reader.path,
      own.number,
      `${name} is ${JSON.stringify(found[name])}; ${says}, with ${JSON.stringify(origin[name])}`,
    );
  }
}

async function requireEnd(reader: LineReader): Promise<void> {
  const line = await reader.next();
  if (line === null) return;
  throw lineDifference(reader.path, line.number, 'no line of provenance.jsonl belongs to it');
}

import { createHash } from 'node:crypto';
import type { JobSpec } from '#domain/job.ts';
import type { Json, JsonObject } from '#domain/json.ts';
import { formatUsd } from '#domain/money.ts';
import { createSeedReader, rowsMissing, type SeedReader } from '#seeds/read-seeds.ts';
import type { JobCreation, SeedSet, StoredTemplate } from '#store/contract.ts';
import { requireCompleteRows, requirePayable, requirePrices, rowWarnings } from './job-checks.ts';
import type { ApiPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { shown } from './request.ts';
import type { JobRequest } from './schemas.ts';

/** Rows whose prompts are rendered to learn what a call costs: all of them in the set's first chunk. */
const sampledRows = 8;

/**
 * Stores a job that can run: its template and seeds exist, its models have prices, its rows have what
 * the template requires, its limit pays for a call. Starts nothing. Throws Problem for what is refused.
 */
export async function createJob(
  ports: ApiPorts,
  request: JobRequest,
  idempotencyKey: string,
): Promise<JobCreation> {
  const { stored, seeds } = await inputsOf(ports, request);
  requirePrices(stored.template.steps, request.model, ports.region);
  const reader = createSeedReader(ports.store.objects, seeds);
  const report = await rowsMissing(reader.rows(), stored.variables);
  requireCompleteRows(report, seeds.rows, request.undefined);
  const call = {
    stored,
    override: request.model,
    jobSeed: request.job_seed,
    undefinedMode: request.undefined,
  };
  await requirePayable(ports.prompts, call, await firstRows(reader), request.limit);
  const id = `job_${ports.newId()}`;
  // The account comes first: nobody can see a job whose money is not yet bounded. A repeated request
  // leaves an account that no job ever uses.
  await ports.store.ledger.openAccount(id, request.limit);
  return ports.store.jobs.create({
    id,
    spec: specOf(ports, request, stored, seeds),
    warnings: rowWarnings(report, stored, seeds.rows, request.undefined),
    createdAt: ports.clock().toISOString(),
    idempotency: { key: idempotencyKey, requestSha256: requestSha256(request) },
  });
}

async function inputsOf(
  { store }: ApiPorts,
  request: JobRequest,
): Promise<{ stored: StoredTemplate; seeds: SeedSet }> {
  const stored = await store.templates.get(request.template);
  if (stored === null) {
    throw new Problem('template_not_found', {
      detail: `The template ${shown(request.template)} is not stored.`,
      errors: [{ pointer: '/template', detail: 'no template is stored under this id' }],
      hint: 'POST /v1/templates stores a template and answers its id.',
    });
  }
  const seeds = await store.seedSets.get(request.seeds);
  if (seeds === null) {
    throw new Problem('seeds_not_found', {
      detail: `The seed set ${shown(request.seeds)} is not stored.`,
      errors: [{ pointer: '/seeds', detail: 'no seed set is stored under this id' }],
      hint: 'POST /v1/seeds stores seed data and answers its id.',
    });
  }
  return { stored, seeds };
}

async function firstRows(reader: SeedReader): Promise<JsonObject[]> {
  const rows: JsonObject[] = [];
  for await (const row of reader.rows()) {
    rows.push(row);
    if (rows.length === sampledRows) break;
  }
  return rows;
}

function specOf(
  ports: ApiPorts,
  request: JobRequest,
  stored: StoredTemplate,
  seeds: SeedSet,
): JobSpec {
  const spec = {
    template: { id: stored.id, name: stored.template.name, sha256: stored.sha256 },
    seeds: { id: seeds.id, sha256: seeds.sha256, rows: seeds.rows },
    records: request.records,
    jobSeed: request.job_seed,
    model: request.model,
    concurrency: request.concurrency,
    undefinedMode: request.undefined,
    provider: ports.provider,
  };
  return { ...spec, sha256: specSha256(spec) };
}

/**
 * The digest of what decides the records, whoever answers and however fast: template, seeds, records,
 * job seed, model, treatment of undefined variables. SHA-256 in hex over canonical JSON.
 */
export function specSha256(spec: Omit<JobSpec, 'sha256'>): string {
  return digestOf({
    template: spec.template.sha256,
    seeds: spec.seeds.sha256,
    records: spec.records,
    jobSeed: spec.jobSeed,
    model: spec.model,
    undefinedMode: spec.undefinedMode,
  });
}

/** Of what was asked for after defaults: the same wish in another spelling is the same request. */
function requestSha256(request: JobRequest): string {
  return digestOf({ ...request, limit: formatUsd(request.limit) });
}

function digestOf(value: JsonObject): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function canonicalJson(value: JsonObject): string {
  const sorted: Json = Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return JSON.stringify(sorted);
}

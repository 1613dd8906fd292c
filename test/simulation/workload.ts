/** What a run is to produce: a few variants, so that each one's undisturbed result is made once. */
import { createHash } from 'node:crypto';
import type { Job, JobSpec } from '#domain/job.ts';
import { noProgress } from '#domain/job.ts';
import type { JsonObject } from '#domain/json.ts';
import type { Step } from '#domain/template.ts';
import { failure } from '#domain/failure.ts';
import { mix } from '#domain/prng.ts';
import type { Prompts, RenderOutcome, RenderRequest } from '#prompts/contract.ts';
import type { SeedSet, StoredTemplate } from '#store/contract.ts';
import type { Plan } from '#workflows/contract.ts';

export interface Workload {
  readonly variant: number;
  readonly job: Job;
  readonly template: StoredTemplate;
  readonly seeds: SeedSet;
  readonly chunk: Uint8Array;
  readonly plan: Plan;
}

export const jobId = 'job';
const model = 'amazon.nova-lite-v1:0';
const startedAt = '2026-01-01T00:00:00.000Z';
export const variants = 24;

export function workloadOf(variant: number): Workload {
  const records = 6 + (variant % 4) * 2;
  const steps =
    variant % 3 === 0 ? [stepOf('story', 60)] : [stepOf('facts', 40), stepOf('story', 60)];
  const batchRecords = 2 + (variant % 3);
  const batches = Math.ceil(records / batchRecords);
  const concurrency = 2 + (variant % 5);
  const window = Math.min(1 + (variant % 4), batches, concurrency);
  const rows: JsonObject[] = [...Array(5).keys()].map((row) => ({ name: `row ${row}` }));
  const chunk = new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const seeds = seedSetOf(rows.length, chunk);
  const template = templateOf(steps);
  const spec = specOf(variant, { records, concurrency, template, seeds });
  return {
    variant,
    job: jobOf(spec),
    template,
    seeds,
    chunk,
    plan: {
      records,
      batchRecords,
      batches,
      window,
      concurrency,
      template: 'simulated',
      models: [model],
    },
  };
}

function stepOf(id: string, maxTokens: number): Step {
  return {
    id,
    model,
    tier: 'cheap',
    prompt: '',
    system: null,
    when: null,
    maxTokens,
    temperature: null,
    topP: null,
    stop: [],
  };
}

function templateOf(steps: readonly Step[]): StoredTemplate {
  const ids = steps.map(({ id }) => id);
  return {
    id: `tpl_${ids.join('_')}`,
    sha256: sha256(ids.join()),
    document: '',
    template: { name: 'simulated', description: '', category: 'test', steps },
    graph: ids.map((id, at) => ({ id, needs: ids.slice(0, at) })),
    variables: [],
    warnings: [],
    createdAt: startedAt,
  };
}

function seedSetOf(rows: number, chunk: Uint8Array): SeedSet {
  const digest = sha256(chunk);
  return {
    id: 'seeds_simulated',
    sha256: digest,
    rows,
    bytes: chunk.length,
    chunkRows: rows,
    chunks: [{ key: `seeds/${digest}`, rows, sha256: digest }],
    columns: [],
    createdAt: startedAt,
  };
}

function specOf(
  variant: number,
  its: { records: number; concurrency: number; template: StoredTemplate; seeds: SeedSet },
): JobSpec {
  const { id, sha256: digest } = its.template;
  return {
    template: { id, name: 'simulated', sha256: digest },
    seeds: { id: its.seeds.id, sha256: its.seeds.sha256, rows: its.seeds.rows },
    records: its.records,
    jobSeed: 100 + variant,
    model: null,
    concurrency: its.concurrency,
    undefinedMode: 'error',
    provider: 'simulator',
    sha256: sha256(`spec ${variant}`),
  };
}

function jobOf(spec: JobSpec): Job {
  return {
    id: jobId,
    spec,
    status: 'validating',
    statusSeq: 0,
    waiting: null,
    failure: null,
    warnings: [],
    progress: noProgress,
    output: null,
    createdAt: startedAt,
    startedAt: null,
    endedAt: null,
  };
}

/** Renders without a sandbox: the same request always gives the same text; some steps skip, some fail. */
export const simulatedPrompts: Prompts = {
  check: () => Promise.reject(new Error('no template is checked here')),
  render: (request) => Promise.resolve(renderingOf(request)),
  close: () => Promise.resolve(),
};

function renderingOf(request: RenderRequest): RenderOutcome {
  const { step, recordIndex, jobSeed, row, outputs } = request;
  const lot = mix(jobSeed, recordIndex, step.length) % 20;
  if (lot === 0) return { kind: 'failed', failure: failure('template-error', 'simulated') };
  if (lot === 1 && step === 'facts') return { kind: 'skipped' };
  const prompt = `${step} of record ${recordIndex}: ${JSON.stringify({ row, outputs })}`;
  return { kind: 'rendered', prompt, system: null };
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

import type { Job } from '#domain/job.ts';
import type { Account } from '#domain/account.ts';
import { formatUsd } from '#domain/money.ts';
import { modelOf } from '#domain/pricing.ts';
import type { Template } from '#domain/template.ts';
import type { SeedSet, StoredTemplate } from '#store/contract.ts';
import type { Pace } from './pace.ts';
import type { JobBody, SeedSetBody, TemplateBody } from './schemas.ts';

/** What a job is shown from: the stored job, its money, its template, and what was measured. */
export interface JobView {
  readonly job: Job;
  readonly account: Account;
  readonly template: Template;
  /** What is stored of it, or what this process sees of Temporal and the workers. */
  readonly waiting: JobBody['waiting'];
  readonly pace: Pace;
  readonly temporalUi: string | null;
  /** Scheme, host and port by which the client called. */
  readonly origin: string;
}

export function presentJob(view: JobView): JobBody {
  const { job, account, template, waiting, pace, temporalUi, origin } = view;
  const { spec, failure, output } = job;
  const self = `${origin}/v1/jobs/${job.id}`;
  return {
    id: job.id,
    object: 'job',
    status: job.status,
    provider: spec.provider,
    template: { id: spec.template.id, name: spec.template.name },
    seeds: { id: spec.seeds.id, rows: spec.seeds.rows },
    models: modelsOf(template, spec.model),
    records: presentRecords(job),
    calls: job.progress.calls,
    cost: presentCost(account),
    account_status: account.status,
    waiting,
    failure: failure && { kind: failure.kind, message: failure.message },
    warnings: [...job.warnings],
    progress: { rate_per_s: pace.ratePerS, eta_s: pace.etaS },
    output: output && {
      manifest_sha256: output.manifestSha256,
      files: output.files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    },
    job_seed: spec.jobSeed,
    concurrency: spec.concurrency,
    created_at: job.createdAt,
    started_at: job.startedAt,
    ended_at: job.endedAt,
    links: {
      self,
      events: `${self}/events`,
      download: `${self}/download`,
      temporal_ui: temporalUi,
      docs: `${origin}/docs`,
    },
  };
}

/** The model that each step calls: the job's own one where it names one. */
export function modelsOf(template: Template, override: string | null): Record<string, string> {
  return Object.fromEntries(template.steps.map((step) => [step.id, override ?? modelOf(step)]));
}

function presentRecords({ spec, progress }: Job): JobBody['records'] {
  const { accepted, rejected, failed } = progress;
  return {
    requested: spec.records,
    accepted,
    rejected,
    failed,
    not_started: spec.records - accepted - rejected - failed,
  };
}

function presentCost(account: Account): JobBody['cost'] {
  return {
    currency: 'USD',
    limit: formatUsd(account.limit),
    spent: formatUsd(account.spent),
    held: formatUsd(account.held),
    unknown: formatUsd(account.unknown),
    available: formatUsd(account.available),
  };
}

export function presentTemplate(stored: StoredTemplate): TemplateBody {
  const needs = new Map(stored.graph.map((node) => [node.id, node.needs]));
  const { name, description, category, steps } = stored.template;
  return {
    id: stored.id,
    object: 'template',
    sha256: stored.sha256,
    name,
    description,
    category,
    steps: steps.map((step) => ({
      id: step.id,
      model: step.model,
      tier: step.tier,
      max_tokens: step.maxTokens,
      needs: [...(needs.get(step.id) ?? [])],
    })),
    variables: stored.variables.map(({ path, step, line, use }) => ({ path, step, line, use })),
    warnings: [...stored.warnings],
    created_at: stored.createdAt,
  };
}

export function presentSeedSet(set: SeedSet): SeedSetBody {
  return {
    id: set.id,
    object: 'seed_set',
    sha256: set.sha256,
    rows: set.rows,
    bytes: set.bytes,
    columns: set.columns.map(({ name, present, nulls, types }) => ({
      name,
      present,
      nulls,
      types: [...types],
    })),
    created_at: set.createdAt,
  };
}

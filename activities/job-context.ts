/** What every batch of a job needs, loaded once per process and job. */
import { ApplicationFailure } from '@temporalio/common';
import { assert } from '#domain/assert.ts';
import type { JobSpec } from '#domain/job.ts';
import { modelOf, modelsNear, type ModelPrice, priceOf } from '#domain/pricing.ts';
import { unsignedKey } from '#domain/reconcile.ts';
import type { Step } from '#domain/template.ts';
import type { Prompts } from '#prompts/contract.ts';
import { createSeedReader, type SeedReader } from '#seeds/read-seeds.ts';
import type { StoredTemplate } from '#store/contract.ts';
import { jobCannotRun } from './contract.ts';
import type { ActivityPorts } from './ports.ts';

export interface JobContext {
  readonly jobId: string;
  readonly spec: JobSpec;
  readonly stored: StoredTemplate;
  readonly steps: readonly Step[];
  readonly seeds: SeedReader;
  readonly prompts: Prompts;
  needsOf(step: string): readonly string[];
  priceOf(step: string): ModelPrice;
}

export type JobContexts = (jobId: string) => Promise<JobContext>;

/** Jobs that one worker keeps loaded; a seed reader's cache is the largest part of each. */
const contextsMax = 16;

export type ContextPorts = Pick<ActivityPorts, 'store' | 'prompts'> & {
  readonly model: Pick<ActivityPorts['model'], 'isSigned'>;
};

export function createJobContexts(ports: ContextPorts): JobContexts {
  const contexts = new Map<string, Promise<JobContext>>();
  return (jobId) => {
    const known = contexts.get(jobId);
    if (known !== undefined) return known;
    const loading = loadContext(ports, jobId);
    contexts.set(jobId, loading);
    // A failure is not kept: the store may be back at the next attempt.
    loading.catch(() => contexts.delete(jobId));
    const oldest = contexts.keys().next().value;
    if (contexts.size > contextsMax && oldest !== undefined) contexts.delete(oldest);
    return loading;
  };
}

async function loadContext(ports: ContextPorts, jobId: string): Promise<JobContext> {
  const { store, prompts, model } = ports;
  const job = await store.jobs.get(jobId);
  if (job === null) throw cannotRun(`job ${jobId} is not in this worker's store`);
  const { spec } = job;
  const stored = await store.templates.get(spec.template.id);
  if (stored === null) throw cannotRun(`template ${spec.template.id} is not in the store`);
  const set = await store.seedSets.get(spec.seeds.id);
  if (set === null) throw cannotRun(`seed set ${spec.seeds.id} is not in the store`);
  // Before the first call: what a log lacks then proves nothing, as a late request cannot be ruled out.
  if (!model.isSigned) await store.objects.putIfAbsent(unsignedKey(jobId), new Uint8Array());
  const needs = new Map(stored.graph.map((node) => [node.id, node.needs]));
  const prices = new Map(
    stored.template.steps.map((step) => [step.id, priceFor(spec.model ?? modelOf(step), step)]),
  );
  return {
    jobId,
    spec,
    stored,
    steps: stored.template.steps,
    seeds: createSeedReader(store.objects, set),
    prompts,
    needsOf: (step) => needs.get(step) ?? [],
    priceOf(step) {
      const price = prices.get(step);
      assert(price !== undefined, `step ${step} has no price`);
      return price;
    },
  };
}

function priceFor(model: string, step: Step): ModelPrice {
  const price = priceOf(model);
  if (price !== null) return price;
  const near = modelsNear(model).join(', ') || 'none';
  throw cannotRun(`step '${step.id}' asks for '${model}', whose price is not known; near: ${near}`);
}

export function cannotRun(message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: jobCannotRun, message, nonRetryable: true });
}

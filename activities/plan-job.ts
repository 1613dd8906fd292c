import { ApplicationFailure } from '@temporalio/common';
import { planBatches } from '#domain/plan.ts';
import type { JobInput, PlanResult } from './contract.ts';
import type { JobContexts } from './job-context.ts';

/** Batches in flight together at most: what keeps a job's tail, and its drain, short. */
const windowMax = 40;

export function createPlanJob(contexts: JobContexts) {
  return async function planJob({ jobId }: JobInput): Promise<PlanResult> {
    try {
      const job = await contexts(jobId);
      const plan = planBatches(job.spec.records);
      const window = Math.min(windowMax, plan.batches, job.spec.concurrency);
      const models = [...new Set(job.steps.map((step) => job.priceOf(step.id).model))];
      const { concurrency, template } = job.spec;
      return {
        kind: 'planned',
        plan: { ...plan, window, concurrency, template: template.name, models },
      };
    } catch (error) {
      if (error instanceof ApplicationFailure && error.nonRetryable === true) {
        return { kind: 'refused', message: error.message };
      }
      throw error;
    }
  };
}

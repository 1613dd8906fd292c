import type { Job } from '#domain/job.ts';
import { workflowIdOf } from '#workflows/contract.ts';
import type { PaceMeter } from './pace.ts';
import type { ApiPorts } from './ports.ts';
import { presentJob } from './present.ts';
import type { JobBody } from './schemas.ts';
import { createWorkerWatch } from './worker-watch.ts';

/** Shows a job to a client that called by `origin`. */
export type ShowJob = (job: Job, origin: string) => Promise<JobBody>;

/** The job with its money, its models, its pace and why it waits, as they stand now. */
export function createShowJob(ports: ApiPorts, pace: PaceMeter): ShowJob {
  const watch = createWorkerWatch(ports);
  return async (job, origin) => {
    const [account, stored, waiting] = await Promise.all([
      ports.store.ledger.account(job.id),
      ports.store.templates.get(job.spec.template.id),
      watch.waitingOf(job),
    ]);
    if (account === null || stored === null) {
      throw new Error(`job ${job.id} is stored without its account or its template`);
    }
    return presentJob({
      job,
      account,
      template: stored.template,
      waiting,
      pace: pace.observe(job),
      temporalUi: ports.temporalUi(workflowIdOf(job.id)),
      origin,
    });
  };
}

export function originOf(url: string): string {
  return new URL(url).origin;
}

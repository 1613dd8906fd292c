import { startsPerSweepMax } from '#domain/limits.ts';
import type { Job } from '#domain/job.ts';
import { formatUsd } from '#domain/money.ts';
import type { ApiPorts, JobDisplay, StartOutcome } from './ports.ts';
import { modelsOf } from './present.ts';

/** Starts the job's workflow; a job that was started before is left as it is. */
export async function startJob(ports: ApiPorts, job: Job): Promise<StartOutcome> {
  const outcome = await ports.workflows.start(job.id, ports.settings, await displayOf(ports, job));
  if (outcome.kind === 'unreachable') {
    ports.log.warn({ jobId: job.id, err: outcome.cause }, 'Temporal is unreachable: started later');
  }
  return outcome;
}

async function displayOf({ store }: ApiPorts, job: Job): Promise<JobDisplay> {
  const [account, stored] = await Promise.all([
    store.ledger.account(job.id),
    store.templates.get(job.spec.template.id),
  ]);
  if (account === null || stored === null) {
    throw new Error(`job ${job.id} is stored without its account or its template`);
  }
  return {
    template: job.spec.template.name,
    models: [...new Set(Object.values(modelsOf(stored.template, job.spec.model)))],
    records: job.spec.records,
    seedRows: job.spec.seeds.rows,
    limit: formatUsd(account.limit),
    provider: job.spec.provider,
  };
}

/** Starts every stored job that nobody started, so that none is lost with the process that stored it. */
export interface StartSweep {
  /** One pass; answers how many workflows it started or found. Never rejects. */
  sweep(): Promise<number>;
  /** Passes until the signal aborts, `everyMs` apart. */
  run(everyMs: number, signal: AbortSignal): Promise<void>;
}

/** A Temporal that lost its database forgets its workflows: what still waits is started once more. */
const askAgainAfterMs = 60_000;

export function createStartSweep(ports: ApiPorts): StartSweep {
  /** When a waiting job was last found to be started: it needs a worker, not another start. */
  let startedAtMs: ReadonlyMap<string, number> = new Map();

  async function sweep(): Promise<number> {
    try {
      return await pass();
    } catch (err) {
      ports.log.error({ err }, 'the sweep for jobs to start failed; the next pass tries again');
      return 0;
    }
  }

  async function pass(): Promise<number> {
    const nowMs = ports.clock().getTime();
    const waiting = await waitingJobs(ports);
    const isKnown = ({ id }: Job) => nowMs - (startedAtMs.get(id) ?? -Infinity) < askAgainAfterMs;
    const pending = waiting.filter((job) => !isKnown(job)).slice(0, startsPerSweepMax);
    const started = await startEach(ports, pending);
    startedAtMs = new Map([
      ...waiting.filter(isKnown).map(({ id }) => [id, startedAtMs.get(id) ?? nowMs] as const),
      ...started.map((id) => [id, nowMs] as const),
    ]);
    return started.length;
  }

  async function run(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sweep();
      await ports.wait(everyMs, signal);
    }
  }

  return { sweep, run };
}

/** The ids that run now. Stops at the first sign that Temporal is away: the rest would only time out. */
async function startEach(ports: ApiPorts, jobs: readonly Job[]): Promise<string[]> {
  const started: string[] = [];
  for (const job of jobs) {
    try {
      const outcome = await startJob(ports, job);
      if (outcome.kind === 'unreachable') return started;
      started.push(job.id);
    } catch (err) {
      // One job that cannot be started must not keep the others from it.
      ports.log.error({ err, jobId: job.id }, 'the job could not be started; tried again later');
    }
  }
  return started;
}

/** Jobs that no worker has taken up, oldest first. */
async function waitingJobs({ store }: ApiPorts): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  let after: string | null = null;
  do {
    const page = await store.jobs.list({ limit: 100, after, status: 'validating' });
    jobs.push(...page.items);
    after = page.next;
  } while (after !== null);
  return jobs.reverse();
}

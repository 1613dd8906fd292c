import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { originOf, type ShowJob } from '#api/job-view.ts';
import type { ApiPorts, AppEnv, ControlOutcome } from '#api/ports.ts';
import { answers, bodyProblems, Problem } from '#api/problem.ts';
import { createRouter, jsonBody } from '#api/request.ts';
import { found, idParam, jobBody, jsonOf, limitRequest } from '#api/schemas.ts';
import { startJob } from '#api/start-jobs.ts';
import { isEnded, type Job } from '#domain/job.ts';
import type { LedgerRefusal } from '#domain/ledger.ts';
import { formatUsd } from '#domain/money.ts';

const controlProblems = [
  'job_not_found',
  'job_ended',
  'workflow_gone',
  'temporal_unreachable',
] as const;

const pauseJob = controlRoute(
  'pause',
  'Pause a job',
  'No new calls are started; answers under way are kept and paid.',
);
const resumeJob = controlRoute('resume', 'Resume a paused job', 'It goes on where it stopped.');
const cancelJob = controlRoute(
  'cancel',
  'Cancel a job',
  'Answers under way are kept and paid; what is finished is exported.',
);

function controlRoute<Name extends 'pause' | 'resume' | 'cancel'>(
  name: Name,
  summary: string,
  description: string,
) {
  return createRoute({
    method: 'post',
    path: `/v1/jobs/{id}/${name}` as const,
    tags: ['jobs'],
    summary,
    description: `${description} Answers the job as it stands: its status follows when the job has taken it up.`,
    request: { params: idParam },
    responses: { 202: jsonOf(jobBody, 'Asked for.'), ...answers(...controlProblems) },
  });
}

const setLimit = createRoute({
  method: 'post',
  path: '/v1/jobs/{id}/limit',
  tags: ['jobs'],
  summary: "Set a job's limit",
  description:
    'The new limit is absolute and holds at once. A job that waits for money goes on. Safe to repeat.',
  middleware: jsonBody,
  request: {
    params: idParam,
    body: { required: true, content: { 'application/json': { schema: limitRequest } } },
  },
  responses: {
    200: jsonOf(jobBody, 'Set.'),
    ...answers(...bodyProblems, 'limit_invalid', 'limit_below_committed', ...controlProblems),
  },
});

export function jobControlRoutes(ports: ApiPorts, show: ShowJob): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  const { jobs, ledger } = ports.store;
  const { workflows } = ports;

  routes.openapi(pauseJob, async (c) => {
    const { id } = c.req.valid('param');
    const job = await control(ports, id, () => workflows.signal(id, 'pause'));
    return c.json(await show(job, originOf(c.req.url)), 202);
  });

  routes.openapi(resumeJob, async (c) => {
    const { id } = c.req.valid('param');
    const job = await control(ports, id, () => workflows.signal(id, 'resume'));
    return c.json(await show(job, originOf(c.req.url)), 202);
  });

  routes.openapi(cancelJob, async (c) => {
    const { id } = c.req.valid('param');
    const job = await control(ports, id, () => workflows.cancel(id));
    return c.json(await show(job, originOf(c.req.url)), 202);
  });

  routes.openapi(setLimit, async (c) => {
    const { id } = c.req.valid('param');
    const { limit } = c.req.valid('json');
    requireRunning(await found('job_not_found', id, jobs.get));
    const outcome = await ledger.execute({ kind: 'set-limit', account: id, limit });
    if (outcome.kind === 'refused') throw refusedLimit(outcome.refusal, id);
    // The ledger holds the limit from here on; the signal only wakes a job that waits for money.
    const text = formatUsd(limit);
    const job = await control(ports, id, () => workflows.signal(id, 'setLimit', text));
    return c.json(await show(job, originOf(c.req.url)), 200);
  });

  return routes;
}

/** Sends a message to the job's workflow, which is started first where nobody did; answers the job. */
async function control(
  ports: ApiPorts,
  id: string,
  send: () => Promise<ControlOutcome>,
): Promise<Job> {
  const { jobs } = ports.store;
  const before = await found('job_not_found', id, jobs.get);
  requireRunning(before);
  if (before.status === 'validating') {
    const start = await startJob(ports, before);
    if (start.kind === 'unreachable') throw unreachable(start.cause);
  }
  const outcome = await send();
  if (outcome.kind === 'unreachable') throw unreachable(outcome.cause);
  const job = await found('job_not_found', id, jobs.get);
  if (outcome.kind === 'done') return job;
  requireRunning(job);
  throw new Problem('workflow_gone', {
    detail: `${id} is ${job.status}, and no workflow of it runs in Temporal: it was terminated there, or Temporal lost its database.`,
    hint: 'What the job finished is kept. Create a new job to go on.',
  });
}

function requireRunning(job: Job): void {
  if (!isEnded(job.status)) return;
  throw new Problem('job_ended', {
    detail: `${job.id} is ${job.status} since ${job.endedAt}; a job that has ended cannot be changed.`,
    hint: 'Create a new job.',
  });
}

function refusedLimit(refusal: LedgerRefusal, id: string): Problem {
  // The ledger refuses a limit for one reason; any other means that the job has no account.
  if (refusal.kind !== 'below-committed') {
    throw new Error(`the ledger refused a limit of ${id}: ${refusal.kind}`);
  }
  const committed = formatUsd(refusal.committed);
  return new Problem('limit_below_committed', {
    detail: `The limit is $${formatUsd(refusal.seen)}; $${committed} of ${id} is spent, held or unknown already.`,
    errors: [{ pointer: '/limit', detail: `at least ${committed} is allowed` }],
    hint: 'Pause the job first: what is held for calls comes back when they end.',
  });
}

function unreachable(cause: unknown): Problem {
  return new Problem(
    'temporal_unreachable',
    {
      detail: 'Temporal, which runs the jobs, cannot be reached, so the job was not told.',
      hint: 'Repeat the request: it is safe, and a new limit is already in force.',
      headers: { 'retry-after': '5' },
    },
    cause,
  );
}

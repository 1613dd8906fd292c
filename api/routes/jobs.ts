import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { createJob } from '#api/create-job.ts';
import { originOf, type ShowJob } from '#api/job-view.ts';
import type { ApiPorts, AppEnv } from '#api/ports.ts';
import { answers, bodyProblems, Problem } from '#api/problem.ts';
import { closedObject, createRouter, jsonBody, shown } from '#api/request.ts';
import {
  found,
  idempotencyHeader,
  idParam,
  jobBody,
  jobRequest,
  jobStatuses,
  jsonOf,
} from '#api/schemas.ts';
import { startJob } from '#api/start-jobs.ts';
import type { Job } from '#domain/job.ts';
import { jobsPageMax } from '#domain/limits.ts';
import { BadCursor } from '#store/contract.ts';

const postJob = createRoute({
  method: 'post',
  path: '/v1/jobs',
  tags: ['jobs'],
  summary: 'Create a job',
  description:
    'The job is stored before it is answered, and starts as soon as Temporal and a worker are there. What the provider bills for it is never more than its limit. The same Idempotency-Key with the same body answers the same job with 200 and the header Idempotent-Replayed.',
  middleware: jsonBody,
  request: {
    headers: idempotencyHeader,
    body: { required: true, content: { 'application/json': { schema: jobRequest } } },
  },
  responses: {
    201: jsonOf(jobBody, 'Created.'),
    200: jsonOf(jobBody, 'The same request came before.'),
    ...answers(
      ...bodyProblems,
      'limit_invalid',
      'limit_too_small',
      'template_not_found',
      'seeds_not_found',
      'model_unpriced',
      'seed_rows_incomplete',
      'idempotency_mismatch',
    ),
  },
});

const pageRule = `a whole number from 1 to ${jobsPageMax} is allowed`;

const listJobs = createRoute({
  method: 'get',
  path: '/v1/jobs',
  tags: ['jobs'],
  summary: 'List jobs, newest first',
  request: {
    query: closedObject({
      limit: z
        .string()
        .regex(/^\d{1,4}$/, { error: pageRule })
        .transform(Number)
        .refine((limit) => limit >= 1 && limit <= jobsPageMax, { error: pageRule })
        .default(20)
        .openapi({ type: 'integer', minimum: 1, maximum: jobsPageMax }),
      starting_after: z
        .string({ error: 'the `next` of the page before is allowed' })
        .max(500, { error: 'the `next` of the page before is allowed' })
        .optional()
        .openapi({ description: 'The `next` of the page before.' }),
      status: z.enum(jobStatuses, { error: `allowed are ${jobStatuses.join(', ')}` }).optional(),
    }),
  },
  responses: {
    200: jsonOf(
      z
        .object({
          object: z.literal('list'),
          data: z.array(jobBody),
          has_more: z.boolean(),
          next: z.string().nullable(),
        })
        .openapi('JobList'),
      'A page.',
    ),
    ...answers('validation_failed'),
  },
});

const getJob = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}',
  tags: ['jobs'],
  summary: 'Show a job',
  request: { params: idParam },
  responses: { 200: jsonOf(jobBody, 'The job.'), ...answers('job_not_found') },
});

export function jobRoutes(ports: ApiPorts, show: ShowJob): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  const { jobs } = ports.store;

  routes.openapi(postJob, async (c) => {
    const key = c.req.valid('header')['idempotency-key'];
    const creation = await createJob(ports, c.req.valid('json'), key);
    if (creation.kind === 'mismatch') throw mismatch(key, creation.job);
    await startOrLeave(ports, creation.job);
    const body = await show(creation.job, originOf(c.req.url));
    if (creation.kind === 'created') return c.json(body, 201, { location: body.links.self });
    return c.json(body, 200, { 'idempotent-replayed': 'true' });
  });

  routes.openapi(listJobs, async (c) => {
    const { limit, starting_after: after = null, status = null } = c.req.valid('query');
    const page = await orBadCursor(after, () => jobs.list({ limit, after, status }));
    const origin = originOf(c.req.url);
    const data = await Promise.all(page.items.map((job) => show(job, origin)));
    return c.json(
      { object: 'list' as const, data, has_more: page.next !== null, next: page.next },
      200,
    );
  });

  routes.openapi(getJob, async (c) => {
    const job = await found('job_not_found', c.req.valid('param').id, jobs.get);
    return c.json(await show(job, originOf(c.req.url)), 200);
  });

  return routes;
}

/** The job is stored, so it is created whatever happens here: the sweep starts what this could not. */
async function startOrLeave(ports: ApiPorts, job: Job): Promise<void> {
  if (job.status !== 'validating') return;
  try {
    await startJob(ports, job);
  } catch (err) {
    ports.log.error({ err, jobId: job.id }, 'the job could not be started; tried again later');
  }
}

function mismatch(key: string, job: Job): Problem {
  return new Problem('idempotency_mismatch', {
    detail: `The Idempotency-Key ${shown(key)} made ${job.id} with another body.`,
    errors: [{ pointer: '/headers/idempotency-key', detail: `it belongs to ${job.id}` }],
    hint: 'Use a new key for a new job, or repeat the first body.',
  });
}

async function orBadCursor<Result>(
  after: string | null,
  list: () => Promise<Result>,
): Promise<Result> {
  try {
    return await list();
  } catch (cause) {
    if (!(cause instanceof BadCursor)) throw cause;
    const detail = `starting_after is ${shown(after)}; the \`next\` of the page before is allowed.`;
    const errors = [{ pointer: '/query/starting_after', detail }];
    throw new Problem('validation_failed', { detail, errors }, cause);
  }
}

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { ApiPorts, AppEnv } from '#api/ports.ts';
import { answers, Problem } from '#api/problem.ts';
import { type GivenLog, reconcileJob } from '#api/reconcile-job.ts';
import {
  type Reconciliation,
  reconciliationBody,
  reconciliationList,
  reconciliationSummary,
} from '#api/reconcile-schemas.ts';
import { closedObject, createRouter } from '#api/request.ts';
import { found, idParam, jsonOf } from '#api/schemas.ts';
import type { Job } from '#domain/job.ts';
import { eventsPageMax, logBytesMax } from '#domain/limits.ts';
import { formatUsd } from '#domain/money.ts';

const timeRule = 'a time in UTC is allowed, such as 2026-01-31T12:00:00Z';

const postReconcile = createRoute({
  method: 'post',
  path: '/v1/jobs/{id}/reconcile',
  tags: ['jobs'],
  summary: "Settle a job's unknown money by the provider's log",
  description:
    'The body is the log: model invocation records, one per line, gzip or not. Without a body the log that this service was configured with is read (PLOT_INVOCATION_LOG). Calls that the log shows are billed; what it lacks is released where it is known to be complete. Safe to repeat.',
  request: {
    params: idParam,
    query: closedObject({
      complete_until: z.iso.datetime({ error: timeRule }).optional().openapi({
        description:
          'Every request billed until then is in this log, by your word. Without it nothing is released, except by the log of the simulator.',
      }),
    }),
    body: { required: false, content: { 'application/x-ndjson': { schema: z.any() } } },
  },
  responses: {
    200: jsonOf(reconciliationBody, 'What was resolved.'),
    ...answers('job_not_found', 'validation_failed', 'no_log', 'log_unreadable'),
  },
});

const getReconciliations = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/reconciliations',
  tags: ['jobs'],
  summary: 'List what was resolved, oldest first',
  request: { params: idParam },
  responses: {
    200: jsonOf(reconciliationList, 'Every reconciliation that moved money.'),
    ...answers('job_not_found'),
  },
});

export function reconcileRoutes(ports: ApiPorts): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  const { jobs } = ports.store;

  routes.openapi(postReconcile, async (c) => {
    const { id } = c.req.valid('param');
    const { complete_until: stated } = c.req.valid('query');
    const job = await found('job_not_found', id, jobs.get);
    const log = givenLog(ports, job, c.req.raw, stated ?? null);
    const result = await reconcileJob(ports, job, log);
    await wake(ports, job, result);
    return c.json(result, 200);
  });

  routes.openapi(getReconciliations, async (c) => {
    const { id } = c.req.valid('param');
    await found('job_not_found', id, jobs.get);
    return c.json({ object: 'list' as const, data: await reconciliationsOf(ports, id) }, 200);
  });

  return routes;
}

/** The log in the request, or the one that the operator named; a request never names a place. */
function givenLog(
  { providerLog, clock }: ApiPorts,
  job: Job,
  request: Request,
  stated: string | null,
): GivenLog {
  const now = clock();
  if (stated !== null && Date.parse(stated) > now.getTime()) {
    throw new Problem('validation_failed', {
      detail: `complete_until is ${stated}, which is still to come; no log is complete until then. It is ${now.toISOString()}.`,
      errors: [{ pointer: '/query/complete_until', detail: 'a time that has passed is allowed' }],
    });
  }
  if (request.body !== null && request.headers.get('content-length') !== '0') {
    const lines = providerLog.read(bounded(request.body));
    return { lines, completeUntil: stated, mayBeEmpty: false };
  }
  if (providerLog.kept === null) {
    throw new Problem('no_log', {
      detail: 'The request has no body, and no log of the provider was configured.',
      hint: 'Send the log as the body, or set PLOT_INVOCATION_LOG to its file or folder.',
    });
  }
  // The simulator writes each record before its answer, so what it has billed by now is in its log.
  const isSimulated = job.spec.provider === 'simulator';
  const completeUntil = stated ?? (isSimulated ? now.toISOString() : null);
  return { lines: providerLog.kept(), completeUntil, mayBeEmpty: isSimulated };
}

async function* bounded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > logBytesMax) {
      throw new Error(`it is longer than ${logBytesMax} bytes; give it in parts`);
    }
    yield piece;
  }
}

/** Money that came back lets a job go on that waits for it. */
async function wake(ports: ApiPorts, job: Job, { released }: Reconciliation): Promise<void> {
  if (job.status !== 'budget_exhausted' || Number(released) === 0) return;
  const account = await ports.store.ledger.account(job.id);
  if (account === null) return;
  const outcome = await ports.workflows.signal(job.id, 'setLimit', formatUsd(account.limit));
  if (outcome.kind !== 'done') {
    ports.log.warn({ jobId: job.id, outcome: outcome.kind }, 'a reconciled job was not woken');
  }
}

async function reconciliationsOf({ store }: ApiPorts, id: string) {
  const all = [];
  for (let after = 0; ; ) {
    const events = await store.events.read(id, after, eventsPageMax);
    for (const { seq, at, type, data } of events) {
      after = seq;
      if (type === 'reconciled') all.push({ at, ...reconciliationSummary.parse(data) });
    }
    if (events.length < eventsPageMax) return all;
  }
}

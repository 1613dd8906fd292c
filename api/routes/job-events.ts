import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { jobEvents } from '#api/job-events.ts';
import { originOf, type ShowJob } from '#api/job-view.ts';
import type { ApiPorts, AppEnv, Log } from '#api/ports.ts';
import { answers, Problem } from '#api/problem.ts';
import { createRouter } from '#api/request.ts';
import { found, idParam } from '#api/schemas.ts';
import { eventStreamsMax } from '#domain/limits.ts';

const seqRule = 'the number of an event is allowed, 0 for all';

const getEvents = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/events',
  tags: ['jobs'],
  summary: "Follow a job's events",
  description:
    'Server-sent events. Stored events (`status`, `waiting`, `batch`, `export`, `reconciled`, `breach`) carry their number as id: a client that sends it as Last-Event-ID goes on after it. `progress` is a snapshot without a number, at most one a second. `done` carries the job as it ended; then the stream closes.',
  request: {
    params: idParam,
    headers: z.object({
      'last-event-id': z
        .string()
        .regex(/^\d{1,15}$/, { error: seqRule })
        .transform(Number)
        .optional()
        .openapi({ type: 'integer', minimum: 0 }),
    }),
  },
  responses: {
    200: {
      description: 'The stream.',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...answers('job_not_found', 'validation_failed', 'too_many_streams'),
  },
});

export function jobEventRoutes(ports: ApiPorts, show: ShowJob): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  let streams = 0;

  routes.openapi(getEvents, async (c) => {
    const { id } = c.req.valid('param');
    const after = c.req.valid('header')['last-event-id'] ?? 0;
    await found('job_not_found', id, ports.store.jobs.get);
    if (streams >= eventStreamsMax) throw tooManyStreams();
    const origin = originOf(c.req.url);
    const signal = AbortSignal.any([c.req.raw.signal, ports.closing]);
    const events = jobEvents(ports, {
      jobId: id,
      after,
      show: (job) => show(job, origin),
      signal,
    });
    const log = { log: ports.log, requestId: c.get('requestId') };
    streams += 1;
    const body = streamOf(events, log, () => {
      streams -= 1;
    });
    return c.body(body, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
  });

  return routes;
}

/**
 * Pulls one frame when the client has room for it. An error ends the stream without a word about it:
 * the client comes back with the last number it has.
 */
function streamOf(
  frames: AsyncGenerator<string>,
  { log, requestId }: { readonly log: Log; readonly requestId: string },
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isOpen = true;

  async function nextFrame(): Promise<string | null> {
    try {
      const { done, value } = await frames.next();
      return done === true ? null : value;
    } catch (err) {
      log.error({ err, requestId }, 'an event stream broke off');
      return null;
    }
  }

  function end(): void {
    if (isOpen) onEnd();
    isOpen = false;
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const frame = await nextFrame();
        // The client may have left while the next frame was awaited.
        if (!isOpen) return;
        if (frame !== null) return controller.enqueue(encoder.encode(frame));
        end();
        controller.close();
      },
      async cancel() {
        end();
        await frames.return(undefined);
      },
    },
    // Nothing is read ahead of the client.
    { highWaterMark: 0 },
  );
}

function tooManyStreams(): Problem {
  return new Problem('too_many_streams', {
    detail: `${eventStreamsMax} event streams are open, which is the most allowed.`,
    hint: 'Close streams that nobody reads, or ask GET /v1/jobs/{id} now and then.',
    headers: { 'retry-after': '5' },
  });
}

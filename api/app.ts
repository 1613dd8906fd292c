import type { OpenAPIHono } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { createShowJob } from './job-view.ts';
import { localOnly, secureHeaders } from './local-only.ts';
import { createPaceMeter } from './pace.ts';
import type { ApiPorts, AppEnv } from './ports.ts';
import { Problem, problemResponse } from './problem.ts';
import { createRouter, shown } from './request.ts';
import { docsRoutes } from '#api/routes/docs.ts';
import { downloadRoutes } from '#api/routes/downloads.ts';
import { healthRoutes } from '#api/routes/health.ts';
import { jobControlRoutes } from '#api/routes/job-controls.ts';
import { jobEventRoutes } from '#api/routes/job-events.ts';
import { jobRoutes } from '#api/routes/jobs.ts';
import { modelRoutes } from '#api/routes/models.ts';
import { reconcileRoutes } from '#api/routes/reconcile.ts';
import { seedRoutes } from '#api/routes/seeds.ts';
import { templateRoutes } from '#api/routes/templates.ts';

/** The API over these ports: one router per resource, every error a problem, every answer identified. */
export function createApp(ports: ApiPorts): OpenAPIHono<AppEnv> {
  const app = createRouter();
  const show = createShowJob(ports, createPaceMeter(ports.clock));

  app.use(async (c, next) => {
    c.set('requestId', requestIdOf(c.req.header('x-request-id'), ports.newId));
    const startedMs = ports.clock().getTime();
    await next();
    c.res.headers.set('x-request-id', c.get('requestId'));
    const { method, path } = c.req;
    const ms = ports.clock().getTime() - startedMs;
    const requestId = c.get('requestId');
    ports.log.info({ requestId, method, path, status: c.res.status, ms }, 'answered');
  });
  app.use(secureHeaders);
  app.use(localOnly);

  app.route('/', templateRoutes(ports));
  app.route('/', seedRoutes(ports));
  app.route('/', jobRoutes(ports, show));
  app.route('/', jobControlRoutes(ports, show));
  app.route('/', reconcileRoutes(ports));
  app.route('/', jobEventRoutes(ports, show));
  app.route('/', downloadRoutes(ports));
  app.route('/', modelRoutes());
  app.route('/', healthRoutes(ports));
  app.route(
    '/',
    docsRoutes(() => app.getOpenAPI31Document(documentHead)),
  );

  const methodsOf = createMethodTable(app);
  app.notFound((c) => {
    const problem = noRoute(c.req.method, c.req.path, methodsOf(c.req.path));
    return problemResponse(problem, c.get('requestId'));
  });
  app.onError((error, c) => {
    const requestId = c.get('requestId');
    const problem = problemOf(error);
    if (problem.code === 'internal') {
      ports.log.error({ err: error, requestId, path: c.req.path }, 'a request failed');
    }
    return problemResponse(problem, requestId);
  });
  return app;
}

const documentHead = {
  openapi: '3.1.0',
  info: {
    title: 'Plot Palette',
    version: '1',
    description:
      'Turns templates and seed data into datasets with models on Amazon Bedrock. Store a template and seed data, create a job with a limit in USD, follow its events, download its records. Amounts are decimal strings in USD, times are UTC, unknown fields are refused, errors are problems (RFC 9457) with stable codes.',
  },
  tags: [
    { name: 'templates', description: 'What is asked of the models.' },
    { name: 'seeds', description: 'The rows that templates are filled with.' },
    { name: 'jobs', description: 'Datasets being made, each within its limit.' },
    { name: 'models', description: 'Who can be asked, and the price.' },
    { name: 'service', description: 'This process.' },
  ],
};

/** The client's own id where it is one that can stand in a log line; otherwise a new one. */
function requestIdOf(header: string | undefined, newId: () => string): string {
  return header !== undefined && /^[\w.:-]{1,64}$/.test(header) ? header : `req_${newId()}`;
}

function problemOf(error: Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HTTPException && error.status === 415) {
    return new Problem('unsupported_media_type', { detail: error.message }, error);
  }
  if (error instanceof HTTPException && error.status === 400) {
    return new Problem('invalid_json', { detail: error.message }, error);
  }
  return new Problem('internal', {
    detail:
      'The request could not be answered. The log of the API says why, under this request id.',
    hint: 'Repeating it is safe.',
  });
}

/** Which methods an address has: a known address with a wrong method answers 405 and names them. */
function createMethodTable(app: OpenAPIHono<AppEnv>): (path: string) => readonly string[] {
  const routes = app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === 'route' ? [definition.route] : [],
  );
  const patterns = routes.map(({ method, path }) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return (path) => [
    ...new Set(
      patterns
        .filter(({ pattern }) => pattern.test(path))
        .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
    ),
  ];
}

function noRoute(method: string, path: string, methods: readonly string[]): Problem {
  if (methods.length === 0) {
    return new Problem('not_found', {
      detail: `${shown(path)} is not an address of this API.`,
      hint: 'GET /docs shows all of them.',
    });
  }
  const allow = methods.join(', ');
  return new Problem('method_not_allowed', {
    detail: `The method is ${shown(method)}; ${shown(path)} allows ${allow}.`,
    headers: { allow },
  });
}

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { ApiPorts, AppEnv } from '#api/ports.ts';
import { answers } from '#api/problem.ts';
import { createRouter } from '#api/request.ts';
import { jsonOf } from '#api/schemas.ts';

const getHealth = createRoute({
  method: 'get',
  path: '/healthz',
  tags: ['service'],
  summary: 'Whether the process answers',
  responses: { 200: jsonOf(z.object({ status: z.literal('ok') }), 'It does.'), ...answers() },
});

const check = z.enum(['ok', 'failed']);
const readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    provider: z.enum(['simulator', 'bedrock']),
    checks: z.object({ store: check, temporal: check }),
  })
  .openapi('Readiness');

const getReadiness = createRoute({
  method: 'get',
  path: '/readyz',
  tags: ['service'],
  summary: 'Whether jobs can be created and run',
  responses: {
    200: jsonOf(readiness, 'They can.'),
    503: jsonOf(readiness, 'Something that they need does not answer.'),
    ...answers(),
  },
});

export function healthRoutes(ports: ApiPorts): OpenAPIHono<AppEnv> {
  const routes = createRouter();

  routes.openapi(getHealth, (c) => c.json({ status: 'ok' as const }, 200));

  routes.openapi(getReadiness, async (c) => {
    const [store, temporal] = await Promise.all([
      passes(ports, () => ports.store.jobs.list({ limit: 1, after: null, status: null })),
      passes(ports, () => ports.workflows.isReachable()),
    ]);
    const checks = { store, temporal };
    const { provider } = ports;
    if (store === 'ok' && temporal === 'ok') {
      return c.json({ status: 'ready' as const, provider, checks }, 200);
    }
    return c.json({ status: 'not_ready' as const, provider, checks }, 503);
  });

  return routes;
}

async function passes(ports: ApiPorts, ask: () => Promise<unknown>): Promise<'ok' | 'failed'> {
  try {
    return (await ask()) === false ? 'failed' : 'ok';
  } catch (err) {
    ports.log.error({ err }, 'a readiness check failed');
    return 'failed';
  }
}

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { AppEnv } from '#api/ports.ts';
import { answers } from '#api/problem.ts';
import { createRouter } from '#api/request.ts';
import { jsonOf } from '#api/schemas.ts';
import { formatUsd, type PicoUsd, pico } from '#domain/money.ts';
import { priceTable, priceTableVersion, tierModels } from '#domain/pricing.ts';
import type { Tier } from '#domain/template.ts';

const usdPerMtok = z.string().openapi({ example: '0.06', description: 'USD per million tokens.' });

const getModels = createRoute({
  method: 'get',
  path: '/v1/models',
  tags: ['models'],
  summary: 'List models with their prices',
  description: 'A job may use these models alone: the cost of any other could not be limited.',
  responses: {
    200: jsonOf(
      z
        .object({
          object: z.literal('list'),
          price_version: z.string().openapi({ description: 'The day the prices were checked.' }),
          data: z.array(
            z.object({
              id: z.string(),
              input_usd_per_mtok: usdPerMtok,
              output_usd_per_mtok: usdPerMtok,
              tier: z.enum(['cheap', 'balanced', 'premium']).nullable().openapi({
                description: 'The tier whose steps call this model.',
              }),
              regions: z.array(z.string()).nullable().openapi({
                description: 'Where the price holds; a hyphen at the end stands for any.',
              }),
            }),
          ),
        })
        .openapi('ModelList'),
      'All of them.',
    ),
    ...answers(),
  },
});

const tiers: readonly Tier[] = ['cheap', 'balanced', 'premium'];

export function modelRoutes(): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  routes.openapi(getModels, (c) =>
    c.json(
      {
        object: 'list' as const,
        price_version: priceTableVersion,
        data: priceTable.map(({ model, input, output, regions }) => ({
          id: model,
          input_usd_per_mtok: perMillion(input),
          output_usd_per_mtok: perMillion(output),
          tier: tiers.find((tier) => tierModels[tier] === model) ?? null,
          regions: regions === null ? null : [...regions],
        })),
      },
      200,
    ),
  );
  return routes;
}

function perMillion(perToken: PicoUsd): string {
  return formatUsd(pico(perToken * 1_000_000n));
}

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { presentSeedSet } from '#api/present.ts';
import type { ApiPorts, AppEnv } from '#api/ports.ts';
import { answers, Problem } from '#api/problem.ts';
import { closedObject, createRouter } from '#api/request.ts';
import { found, idParam, jsonOf, seedSetBody } from '#api/schemas.ts';
import { seedBytesMax } from '#domain/limits.ts';
import type { SeedProblem } from '#domain/seed.ts';
import { importSeeds } from '#seeds/import-seeds.ts';

const postSeeds = createRoute({
  method: 'post',
  path: '/v1/seeds',
  tags: ['seeds'],
  summary: 'Store seed data',
  description:
    'The body is read as it arrives and may be of any content type. The same rows are the same seed set, whatever their format: 200 instead of 201 when it was there.',
  request: {
    query: closedObject({
      format: z
        .enum(['json', 'jsonl', 'csv', 'detect'], {
          error: '"json", "jsonl", "csv" or "detect" are allowed',
        })
        .default('detect'),
    }),
    body: {
      required: true,
      content: { 'application/octet-stream': { schema: z.any() } },
    },
  },
  responses: {
    201: jsonOf(seedSetBody, 'Stored.'),
    200: jsonOf(seedSetBody, 'It was there.'),
    ...answers('seeds_invalid', 'seeds_too_large', 'validation_failed'),
  },
});

const getSeeds = createRoute({
  method: 'get',
  path: '/v1/seeds/{id}',
  tags: ['seeds'],
  summary: 'Show a seed set',
  request: { params: idParam },
  responses: { 200: jsonOf(seedSetBody, 'The seed set.'), ...answers('seeds_unknown') },
});

export function seedRoutes(ports: ApiPorts): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  const { seedSets, objects } = ports.store;

  routes.openapi(postSeeds, async (c) => {
    const { format } = c.req.valid('query');
    refuseAnnounced(Number(c.req.header('content-length') ?? 0));
    const source = counted(c.req.raw.body ?? emptyBody());
    const result = await importSeeds(source.bytes, { format, store: objects, prefix: 'seeds/' });
    if (result.kind === 'refused') throw refusedSeeds(result.problems, source.count());
    const before = await seedSets.get(result.seedSet.id);
    const set = await seedSets.put({
      ...result.seedSet,
      createdAt: ports.clock().toISOString(),
    });
    return c.json(
      { ...presentSeedSet(set), warnings: [...result.warnings] },
      before === null ? 201 : 200,
    );
  });

  routes.openapi(getSeeds, async (c) => {
    const { id } = c.req.valid('param');
    return c.json(presentSeedSet(await found('seeds_unknown', id, seedSets.get)), 200);
  });

  return routes;
}

function refuseAnnounced(bytes: number): void {
  if (bytes > seedBytesMax) throw tooLarge(`The body is ${bytes} bytes`);
}

function tooLarge(seen: string): Problem {
  return new Problem('seeds_too_large', {
    detail: `${seen}; at most ${seedBytesMax} bytes are allowed.`,
    hint: 'Leave out columns that no template reads, or split the data into several seed sets.',
  });
}

function refusedSeeds(problems: readonly SeedProblem[], bytesSeen: number): Problem {
  if (bytesSeen > seedBytesMax) return tooLarge(`The body is over ${seedBytesMax} bytes`);
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new Problem('seeds_invalid', {
    detail: `The seed data have ${count}. ${problems[0]?.detail ?? ''}`.trim(),
    errors: problems.map((problem) => ({ pointer: placeOf(problem), detail: detailOf(problem) })),
  });
}

/** The row's place in the data, as a pointer into the list of rows. */
function placeOf({ row }: SeedProblem): string {
  return row === null ? '' : `/${row}`;
}

function detailOf({ line, detail }: SeedProblem): string {
  return line === null ? detail : `line ${line}: ${detail}`;
}

function counted(source: AsyncIterable<Uint8Array>) {
  let bytes = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      bytes += piece.length;
      yield piece;
    }
  }
  return { bytes: pieces(), count: () => bytes };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

import { createHash } from 'node:crypto';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { presentTemplate } from '#api/present.ts';
import type { ApiPorts, AppEnv } from '#api/ports.ts';
import { answers, Problem } from '#api/problem.ts';
import { createRouter, limitBody, requireContentType } from '#api/request.ts';
import { found, idParam, jsonOf, templateBody } from '#api/schemas.ts';
import { templateBytesMax } from '#domain/limits.ts';
import type { TemplateProblem } from '#prompts/contract.ts';
import type { StoredTemplate } from '#store/contract.ts';

const documentTypes = ['application/yaml', 'text/yaml', 'application/json'];
const document = z.string().openapi({ description: 'The template document.' });

const postTemplate = createRoute({
  method: 'post',
  path: '/v1/templates',
  tags: ['templates'],
  summary: 'Store a template',
  description: 'The same document is the same template: 200 instead of 201 when it was there.',
  middleware: [limitBody(templateBytesMax)] as const,
  request: {
    body: { required: true, content: { 'application/yaml': { schema: z.any() } } },
  },
  responses: {
    201: jsonOf(templateBody, 'Stored.'),
    200: jsonOf(templateBody, 'It was there.'),
    ...answers('template_invalid', 'unsupported_media_type', 'body_too_large'),
  },
});

const getTemplate = createRoute({
  method: 'get',
  path: '/v1/templates/{id}',
  tags: ['templates'],
  summary: 'Show a template',
  request: { params: idParam },
  responses: { 200: jsonOf(templateBody, 'The template.'), ...answers('template_unknown') },
});

const getDocument = createRoute({
  method: 'get',
  path: '/v1/templates/{id}/document',
  tags: ['templates'],
  summary: "Read a template's document",
  request: { params: idParam },
  responses: {
    200: {
      description: 'The document as it was stored.',
      content: { 'application/yaml': { schema: document } },
    },
    ...answers('template_unknown'),
  },
});

export function templateRoutes(ports: ApiPorts): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  const { templates } = ports.store;

  routes.openapi(postTemplate, async (c) => {
    requireContentType(c.req.header('content-type'), documentTypes);
    const template = await checkedTemplate(ports, await c.req.text());
    const before = await templates.get(template.id);
    const stored = await templates.put(template);
    return c.json(presentTemplate(stored), before === null ? 201 : 200);
  });

  routes.openapi(getTemplate, async (c) => {
    const { id } = c.req.valid('param');
    return c.json(presentTemplate(await found('template_unknown', id, templates.get)), 200);
  });

  routes.openapi(getDocument, async (c) => {
    const { id } = c.req.valid('param');
    const stored = await found('template_unknown', id, templates.get);
    return c.body(stored.document, 200, { 'content-type': 'application/yaml; charset=utf-8' });
  });

  return routes;
}

async function checkedTemplate(ports: ApiPorts, text: string): Promise<StoredTemplate> {
  const check = await ports.prompts.check(text);
  if (check.kind === 'invalid') throw invalidTemplate(check.problems);
  const { template, graph, variables, warnings } = check;
  const sha256 = createHash('sha256').update(text).digest('hex');
  return {
    id: `tpl_${sha256.slice(0, 26)}`,
    sha256,
    document: text,
    template,
    graph,
    variables,
    warnings,
    createdAt: ports.clock().toISOString(),
  };
}

function invalidTemplate(problems: readonly TemplateProblem[]): Problem {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new Problem('template_invalid', {
    detail: `The template has ${count}. ${problems[0]?.detail ?? ''}`.trim(),
    errors: problems.map(({ pointer, line, detail }) => ({
      pointer,
      detail: line === null ? detail : `line ${line}: ${detail}`,
    })),
  });
}

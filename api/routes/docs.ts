import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { AppEnv } from '#api/ports.ts';
import { answers, Problem } from '#api/problem.ts';
import { createRouter, shown } from '#api/request.ts';

const require = createRequire(import.meta.url);

/** The files of the docs page: all from this machine, so that it works offline. */
const assets: Readonly<
  Record<string, { readonly type: string; readonly read: () => Promise<string> }>
> = {
  'swagger-ui.css': {
    type: 'text/css',
    read: textOf(require.resolve('swagger-ui-dist/swagger-ui.css')),
  },
  'swagger-ui-bundle.js': {
    type: 'text/javascript',
    read: textOf(require.resolve('swagger-ui-dist/swagger-ui-bundle.js')),
  },
  'docs.css': { type: 'text/css', read: async () => style },
  'docs.js': { type: 'text/javascript', read: async () => script },
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plot Palette API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/docs.js"></script>
</body>
</html>
`;

const style = `body { margin: 0; }
.swagger-ui .info { margin: 32px 0 16px; }
`;

const script = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

/** Scripts and styles from here alone; Swagger UI draws its icons as data: images. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const getRoot = createRoute({
  method: 'get',
  path: '/',
  tags: ['service'],
  summary: 'Go to the documentation',
  responses: { 302: { description: 'To /docs.' }, ...answers() },
});

const getDocs = createRoute({
  method: 'get',
  path: '/docs',
  tags: ['service'],
  summary: 'Read this documentation',
  responses: {
    200: { description: 'A page.', content: { 'text/html': { schema: z.string() } } },
    ...answers(),
  },
});

const getAsset = createRoute({
  method: 'get',
  path: '/docs/{file}',
  tags: ['service'],
  summary: 'Read a file of the documentation page',
  request: {
    params: z.object({ file: z.string().openapi({ param: { name: 'file', in: 'path' } }) }),
  },
  responses: {
    200: {
      description: 'The file.',
      content: { 'text/css': { schema: z.string() }, 'text/javascript': { schema: z.string() } },
    },
    ...answers('file_not_found'),
  },
});

const getOpenapi = createRoute({
  method: 'get',
  path: '/openapi.json',
  tags: ['service'],
  summary: 'Read the OpenAPI document',
  responses: {
    200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: z.any() } } },
    ...answers(),
  },
});

/** `describe` makes the OpenAPI document; it is asked once, when all routes are there. */
export function docsRoutes(describe: () => object): OpenAPIHono<AppEnv> {
  const routes = createRouter();
  let document: object | null = null;

  routes.openapi(getRoot, (c) => c.redirect('/docs', 302));

  routes.openapi(getDocs, (c) =>
    c.body(page, 200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
    }),
  );

  routes.openapi(getAsset, async (c) => {
    const { file } = c.req.valid('param');
    const asset = Object.hasOwn(assets, file) ? assets[file] : undefined;
    if (asset === undefined) {
      throw new Problem('file_not_found', {
        detail: `The file is ${shown(file)}; the page has ${Object.keys(assets).join(', ')}.`,
      });
    }
    return c.body(await asset.read(), 200, {
      'content-type': `${asset.type}; charset=utf-8`,
      'cache-control': 'max-age=3600',
    });
  });

  routes.openapi(getOpenapi, (c) => {
    document ??= describe();
    return c.json(document, 200);
  });

  return routes;
}

function textOf(path: string): () => Promise<string> {
  return () => readFile(path, 'utf8');
}

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ApiPorts, AppEnv } from '#api/ports.ts';
import { answers, Problem } from '#api/problem.ts';
import { createRouter, shown } from '#api/request.ts';
import { found, idParam } from '#api/schemas.ts';
import type { Job, Output } from '#domain/job.ts';

const files: Readonly<Record<string, string>> = {
  'records.jsonl': 'application/x-ndjson',
  'provenance.jsonl': 'application/x-ndjson',
  'failures.jsonl': 'application/x-ndjson',
  'manifest.json': 'application/json',
};
const fileNames = Object.keys(files);

const fileResponse = {
  description:
    'The file of the newest export: application/x-ndjson, the manifest application/json. x-plot-provider tells whether a model wrote it.',
  content: { '*/*': { schema: z.string() } },
};

const getRecords = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/download',
  tags: ['jobs'],
  summary: "Download a job's records",
  request: { params: idParam },
  responses: { 200: fileResponse, ...answers('job_not_found', 'no_output', 'file_not_found') },
});

const getFile = createRoute({
  method: 'get',
  path: '/v1/jobs/{id}/download/{file}',
  tags: ['jobs'],
  summary: "Download a file of a job's export",
  description: `Files: ${fileNames.join(', ')}.`,
  request: {
    params: idParam.extend({
      file: z.string().openapi({ param: { name: 'file', in: 'path' }, example: 'manifest.json' }),
    }),
  },
  responses: { 200: fileResponse, ...answers('job_not_found', 'no_output', 'file_not_found') },
});

export function downloadRoutes(ports: ApiPorts): OpenAPIHono<AppEnv> {
  const routes = createRouter();

  routes.openapi(getRecords, async (c) => {
    const { id } = c.req.valid('param');
    return send(c, ports, id, 'records.jsonl');
  });

  routes.openapi(getFile, async (c) => {
    const { id, file } = c.req.valid('param');
    return send(c, ports, id, file);
  });

  return routes;
}

async function send(
  c: Context<AppEnv>,
  ports: ApiPorts,
  id: string,
  file: string,
): Promise<Response> {
  const job = await found('job_not_found', id, ports.store.jobs.get);
  const type = Object.hasOwn(files, file) ? files[file] : undefined;
  if (type === undefined) {
    throw new Problem('file_not_found', {
      detail: `The file is ${shown(file)}; an export has ${fileNames.join(', ')}.`,
    });
  }
  const output = outputOf(job);
  const bytes = await ports.store.objects.read(`${output.prefix}/${file}`);
  if (bytes === null) {
    throw new Problem('file_not_found', {
      detail: `The newest export of ${id} has no ${file}.`,
      hint: `It has ${output.files.map(({ path }) => path).join(', ')}.`,
    });
  }
  return c.body(streamOf(bytes), 200, headersOf(job, output, file, type));
}

function outputOf(job: Job): Output {
  if (job.output !== null) return job.output;
  throw new Problem('no_output', {
    detail: `${job.id} is ${job.status} and has exported nothing yet.`,
    hint: 'Exports are made when a job ends; GET /v1/jobs/{id} shows them as `output`.',
  });
}

function headersOf(job: Job, output: Output, file: string, type: string): Record<string, string> {
  const listed = output.files.find(({ path }) => path === file);
  return {
    'content-type': type,
    'content-disposition': `attachment; filename="${job.id}-${file}"`,
    // Whoever gets the file is told when no model wrote it.
    'x-plot-provider': job.spec.provider,
    ...(listed === undefined
      ? {}
      : { 'content-length': String(listed.bytes), etag: `"${listed.sha256}"` }),
  };
}

/** Read as fast as the client takes it; closed when the client leaves. */
function streamOf(bytes: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { bytesOfFiles } from '#bedrock/log-bytes.ts';
import { CliError, exitCodes, messageOf } from './cli-error.ts';
import { pause } from './pause.ts';
import {
  type JobBody,
  jobListSchema,
  jobSchema,
  type ModelList,
  modelListSchema,
  problemSchema,
  type Reconciliation,
  reconciliationListSchema,
  reconciliationSchema,
  type SeedSetBody,
  seedSetSchema,
  type TemplateBody,
  templateSchema,
} from './job-body.ts';

export interface JobRequest {
  readonly template: string;
  readonly seeds: string;
  readonly records: number;
  readonly limit: string;
  readonly model: string | null;
  readonly job_seed: number;
  readonly concurrency: number;
  readonly undefined: 'error' | 'empty';
}

export interface ApiWay {
  url(): string;
  /** Called after a request that nobody answered, before it is sent again. */
  revive(): Promise<void>;
}

/** How long an API that has answered before is waited for: it is being started again. */
const awayMostMs = 60_000;
/** One that never answered is probably not there. */
const firstAnswerMs = 5_000;

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try: a stream can be read once. */
  readonly body?: () => Body;
  readonly signal?: AbortSignal | undefined;
}

export type ApiClient = ReturnType<typeof createApiClient>;

/**
 * The API as functions. Every call may be repeated (content addresses, absolute limits, the idempotency
 * key), so one that nobody answered is sent again for a minute. Rejects with CliError otherwise.
 */
export function createApiClient(way: ApiWay, signal?: AbortSignal) {
  const { send, answer } = createSender(way, signal);
  return {
    async putTemplate(file: string): Promise<TemplateBody> {
      const document = await readFile(file);
      const type = file.endsWith('.json') ? 'application/json' : 'application/yaml';
      const headers = { 'content-type': type };
      const call = {
        method: 'POST' as const,
        path: '/v1/templates',
        headers,
        body: () => document,
      };
      return answer(templateSchema, call);
    },
    putSeeds(file: string, format: SeedFormat): Promise<SeedSetBody> {
      return answer(seedSetSchema, {
        method: 'POST',
        path: `/v1/seeds?format=${format}`,
        headers: { 'content-type': 'application/octet-stream' },
        body: () => webStream(file),
      });
    },
    createJob(job: JobRequest): Promise<JobBody> {
      const call = postJson('/v1/jobs', job, { 'idempotency-key': randomUUID() });
      // Not to be interrupted: whoever stops here must learn whether there is a job.
      return answer(jobSchema, { ...call, signal: undefined });
    },
    job(id: string): Promise<JobBody> {
      return answer(jobSchema, { method: 'GET', path: jobPath(id) });
    },
    jobs(limit: number, after: string | null): Promise<z.output<typeof jobListSchema>> {
      const page = after === null ? '' : `&starting_after=${encodeURIComponent(after)}`;
      return answer(jobListSchema, { method: 'GET', path: `/v1/jobs?limit=${limit}${page}` });
    },
    control(id: string, verb: 'pause' | 'resume' | 'cancel'): Promise<JobBody> {
      return answer(jobSchema, { method: 'POST', path: `${jobPath(id)}/${verb}` });
    },
    setLimit(id: string, limit: string): Promise<JobBody> {
      return answer(jobSchema, postJson(`${jobPath(id)}/limit`, { limit }));
    },
    ...reconciliationCalls(answer),
    models(): Promise<ModelList> {
      return answer(modelListSchema, { method: 'GET', path: '/v1/models' });
    },
    async download(id: string, file: string): Promise<ReadableStream<Uint8Array>> {
      const response = await send({ method: 'GET', path: `${jobPath(id)}/download/${file}` });
      if (!response.ok) throw await refusal(response);
      if (response.body === null) throw new Error(`${file} of ${id} came without a body`);
      return response.body;
    },
    /** Not repeated: whoever follows a job asks again with the last event's number. */
    events(id: string, lastEventId: string | null, until: AbortSignal): Promise<Response> {
      const headers = lastEventId === null ? {} : { 'last-event-id': lastEventId };
      const path = `${jobPath(id)}/events`;
      return request(way.url(), { method: 'GET', path, headers, signal: until });
    },
    revive: () => way.revive(),
  };
}

function createSender(way: ApiWay, signal: AbortSignal | undefined) {
  let hasAnswered = false;

  async function send(call: Call): Promise<Response> {
    const deadline = performance.now() + (hasAnswered ? awayMostMs : firstAnswerMs);
    for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 1_000)) {
      try {
        const response = await request(way.url(), { signal, ...call });
        hasAnswered = true;
        if (!isPassing(response.status) || performance.now() > deadline) return response;
        await response.body?.cancel();
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        if (performance.now() > deadline) throw noServer(way.url(), error);
      }
      await pause(delayMs, signal);
      await way.revive();
    }
  }

  async function answer<Schema extends z.ZodType>(
    schema: Schema,
    call: Call,
  ): Promise<z.output<Schema>> {
    const response = await send(call);
    if (!response.ok) throw await refusal(response);
    return schema.parse(await response.json());
  }

  return { send, answer };
}

function postJson(path: string, body: unknown, headers: Record<string, string> = {}): Call {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: () => JSON.stringify(body),
  };
}

type Answer = <Schema extends z.ZodType>(schema: Schema, call: Call) => Promise<z.output<Schema>>;

function reconciliationCalls(answer: Answer) {
  return {
    /** Without files the API reads the log that it was configured with. */
    reconcile(id: string, { files, completeUntil }: LogWish): Promise<Reconciliation> {
      const until =
        completeUntil === null ? '' : `?complete_until=${encodeURIComponent(completeUntil)}`;
      const path = `${jobPath(id)}/reconcile${until}`;
      if (files === null) return answer(reconciliationSchema, { method: 'POST', path });
      const headers = { 'content-type': 'application/x-ndjson' };
      const body = () => ReadableStream.from<Uint8Array>(bytesOfFiles(files));
      return answer(reconciliationSchema, { method: 'POST', path, headers, body });
    },
    reconciliations(id: string): Promise<z.output<typeof reconciliationListSchema>> {
      const path = `${jobPath(id)}/reconciliations`;
      return answer(reconciliationListSchema, { method: 'GET', path });
    },
  };
}

export interface LogWish {
  /** Of the provider's log; null for the one that the API knows. */
  readonly files: readonly string[] | null;
  /** RFC 3339; null where nobody knows. */
  readonly completeUntil: string | null;
}

export type SeedFormat = 'json' | 'jsonl' | 'csv' | 'detect';

function jobPath(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

function request(url: string, { method, path, headers, body, signal }: Call): Promise<Response> {
  const content = body?.();
  return fetch(`${url}${path}`, {
    method,
    headers: headers ?? {},
    ...(content === undefined ? {} : { body: content, duplex: 'half' as const }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function webStream(file: string): ReadableStream<Uint8Array> {
  return ReadableStream.from<Uint8Array>(createReadStream(file));
}

/** Temporal is being started again, or a proxy has lost the API: the same request will pass. */
function isPassing(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

async function refusal(response: Response): Promise<CliError> {
  const text = await response.text();
  const problem = problemSchema.safeParse(jsonOf(text));
  const exitCode =
    response.status === 401 || response.status === 403
      ? exitCodes.notAllowed
      : response.status >= 502
        ? exitCodes.noServer
        : exitCodes.error;
  if (!problem.success) {
    const message = `${response.url} answered ${response.status}: ${text.slice(0, 200)}`;
    return new CliError({ code: 'bad_answer', exitCode, message });
  }
  const { code, detail, errors, hint } = problem.data;
  const details = errors.map((error) => `${error.pointer}: ${error.detail}`);
  return new CliError({
    code,
    exitCode,
    message: detail,
    details,
    ...(hint === null ? {} : { hint }),
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function noServer(url: string, cause: unknown): CliError {
  return new CliError({
    code: 'no_server',
    exitCode: exitCodes.noServer,
    message: `No API answers at ${url}: ${messageOf(cause)}.`,
    hint: 'Start one with `./plot dev`, or set PLOT_API_URL to one that runs.',
    cause,
  });
}

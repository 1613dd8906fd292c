import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { afterAll, expect } from 'vitest';
import type { z } from 'zod';
import { createInvocationLog } from '#bedrock/invocation-log.ts';
import { createApp } from '#api/app.ts';
import type {
  ApiPorts,
  ControlOutcome,
  JobDisplay,
  StartOutcome,
  WorkerPresence,
  WorkflowStarter,
} from '#api/ports.ts';
import { problemBody } from '#api/problem.ts';
import { jobBody, seedSetBody, templateBody } from '#api/schemas.ts';
import type { Prompts } from '#prompts/contract.ts';
import { createPrompts } from '#prompts/prompts.ts';
import { openLocalStore } from '#store/local-store.ts';

/** A Temporal that remembers what it was asked, and can be switched off. */
export interface RecordingStarter extends WorkflowStarter {
  readonly asked: { readonly what: string; readonly jobId: string; readonly argument?: unknown }[];
  readonly displays: JobDisplay[];
  isDown: boolean;
  workers: WorkerPresence;
  /** How often it was asked for its workers. */
  looks: number;
  control: ControlOutcome;
}

function createRecordingStarter(): RecordingStarter {
  const down = { kind: 'unreachable', cause: new Error('connection refused') } as const;
  const starter: RecordingStarter = {
    asked: [],
    displays: [],
    isDown: false,
    workers: 'yes',
    looks: 0,
    control: { kind: 'done' },
    start: async (jobId, _settings, display): Promise<StartOutcome> => {
      if (starter.isDown) return down;
      starter.asked.push({ what: 'start', jobId });
      starter.displays.push(display);
      return { kind: 'started' };
    },
    signal: async (jobId, name, argument) => {
      if (starter.isDown) return down;
      starter.asked.push({ what: name, jobId, ...(argument === undefined ? {} : { argument }) });
      return starter.control;
    },
    cancel: async (jobId) => {
      if (starter.isDown) return down;
      starter.asked.push({ what: 'cancel', jobId });
      return starter.control;
    },
    isReachable: async () => !starter.isDown,
    hasWorker: async () => {
      starter.looks += 1;
      return starter.isDown ? 'unknown' : starter.workers;
    },
  };
  return starter;
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** One sandbox for all tests of a file: it keeps nothing between two calls, and takes a while to start. */
let prompts: Promise<Prompts> | null = null;

function sharedPrompts(): Promise<Prompts> {
  prompts ??= createPrompts();
  return prompts;
}

afterAll(async () => {
  await (await prompts)?.close();
});

export type Harness = Awaited<ReturnType<typeof createHarness>>;

/** The API over a real store in a new folder and real prompts; time stands still unless moved. */
export async function createHarness(given: Partial<ApiPorts> = {}) {
  const home = await mkdtemp(join(tmpdir(), 'plot-api-'));
  const store = await openLocalStore({ home });
  const prompts = await sharedPrompts();
  const workflows = createRecordingStarter();
  const logged: LogLine[] = [];
  const log = (level: LogLine['level']) => (fields: object, message: string) => {
    logged.push({ level, fields, message });
  };
  const time = { ms: Date.parse('2026-01-02T03:04:05.000Z') };
  const closing = new AbortController();
  const ports: ApiPorts = {
    store,
    prompts,
    workflows,
    providerLog: createInvocationLog({ place: null }),
    provider: 'simulator',
    region: null,
    settings: { heartbeatTimeoutMs: 30_000 },
    clock: () => new Date(time.ms),
    // Waiting takes no time: it moves the clock.
    wait: async (ms) => {
      time.ms += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
    newId: ulid,
    temporalUi: (workflowId) => `http://ui.test/namespaces/default/workflows/${workflowId}`,
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    closing: closing.signal,
    ...given,
  };
  const app = createApp(ports);

  async function stop(): Promise<void> {
    closing.abort();
    await store.close();
    await rm(home, { recursive: true, force: true });
  }

  return { app, ports, store, workflows, logged, time, closing, stop };
}

export const filmTemplate = `template:
  name: film-blurbs
  description: A blurb per film
  category: text
  steps:
    - id: blurb
      model_tier: cheap
      max_tokens: 100
      prompt: "Write a blurb for {{ Title }} by {{ Director }}."
    - id: verdict
      model: amazon.nova-micro-v1:0
      max_tokens: 50
      prompt: "Judge: {{ steps.blurb.output }}"
`;

export const filmRows = [
  { Title: 'Alien', Director: 'Ridley Scott' },
  { Title: 'Heat', Director: 'Michael Mann' },
  { Title: 'Anonymous', Director: null },
];

export function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Stores a template and seeds; answers the body of a job that the API accepts. */
export async function storeInputs(
  { app }: Pick<Harness, 'app'>,
  template: string = filmTemplate,
  rows: readonly object[] = filmRows,
) {
  const templates = await app.request('/v1/templates', {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: template,
  });
  const seeds = await app.request('/v1/seeds?format=jsonl', { method: 'POST', body: jsonl(rows) });
  const stored = [await templateOf(templates), await seedSetOf(seeds)];
  return { template: stored[0]?.id, seeds: stored[1]?.id, records: 3, limit: '0.50' };
}

let keys = 0;

/** Asks for a job, under a new key unless one is given. */
export async function postJob(
  { app }: Pick<Harness, 'app'>,
  body: unknown,
  key: string = `key-${(keys += 1)}`,
): Promise<Response> {
  return app.request('/v1/jobs', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** A job that was accepted and started. */
export async function createdJob(harness: Harness) {
  const answer = await postJob(harness, await storeInputs(harness));
  return jobOf(answer);
}

/** Bodies, held to what the document says of them: an answer with another field is a fault. */
export const jobOf = (answer: Response) => bodyOf(answer, jobBody.strict());
export const templateOf = (answer: Response) => bodyOf(answer, templateBody.strict());
export const seedSetOf = (answer: Response) => bodyOf(answer, seedSetBody.strict());

/** The problem, which is one in every way: its type, its id, and nothing of this machine in it. */
export async function problemOf(answer: Response) {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = await bodyOf(answer, problemBody.strict());
  expect(problem.status).toBe(answer.status);
  expect(problem.request_id).toBe(answer.headers.get('x-request-id'));
  expect(JSON.stringify(problem)).not.toMatch(/\.ts:|node_modules|at async/);
  return { ...problem, errors: problem.errors ?? [] };
}

export async function bodyOf<Schema extends z.ZodType>(
  answer: Response,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await answer.text();
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Error(`${answer.status} with an unexpected body: ${text}`, { cause: parsed.error });
}

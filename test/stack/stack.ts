/** The laptop's real processes, supervised as `plot dev` supervises them, for tests that break them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type ApiClient, createApiClient, type JobRequest } from '#cli/api-client.ts';
import { projectFile, readEnvironment } from '#cli/environment.ts';
import { isEnded, type JobBody } from '#cli/job-body.ts';
import { startLocalStack } from '#cli/local-stack.ts';
import type { KnobsPatch } from '#simulator/knobs.ts';

export const moviesFile = projectFile('node_modules', 'vega-datasets', 'data', 'movies.json');

export interface TestStack {
  readonly home: string;
  readonly api: ApiClient;
  readonly apiUrl: string;
  readonly temporalAddress: string;
  /** Submits a job of the two-step template over the real, messy movies. */
  submit(job?: Partial<JobRequest>): Promise<JobBody>;
  /** Waits, however long it takes within the bound, for the job to be as asked. */
  until(id: string, isSo: (job: JobBody) => boolean, boundMs?: number): Promise<JobBody>;
  untilEnded(id: string): Promise<JobBody>;
  /** Sends a signal to every process of this name that runs now; answers how many there were. */
  signal(name: 'worker' | 'api' | 'temporal', signal: NodeJS.Signals): number;
  knobs(patch: KnobsPatch): Promise<void>;
  faults(): Promise<Readonly<Record<string, number>>>;
  /** What the provider has billed for the job: the judge of every amount. */
  billed(id: string): Promise<{ readonly calls: number; readonly pico: bigint }>;
  stats(): Promise<{ readonly requests: number; readonly inFlightMax: number }>;
  download(id: string, file: string): Promise<string>;
  stop(): Promise<void>;
}

export interface TestStackOptions {
  readonly workers: number;
  readonly knobs?: KnobsPatch;
  /** Environment variables of all processes. */
  readonly variables?: Readonly<Record<string, string>>;
  /** A template document; the two-step one unless given. */
  readonly template?: string;
}

/** Two steps, the second reading the first; every row of movies.json can be rendered. */
const twoSteps = `template:
  name: Two steps
  steps:
    - id: facts
      max_tokens: 200
      prompt: Name three facts of the film "{{ Title }}".
    - id: blurb
      max_tokens: 200
      prompt: Write a blurb of "{{ Title }}" from {{ steps.facts.output }}
`;

const waitMsMax = 240_000;

export async function startTestStack(options: TestStackOptions): Promise<TestStack> {
  const home = await mkdtemp(join(tmpdir(), 'plot-palette-stack-'));
  const environment = readEnvironment({
    ...inherited(),
    PLOT_HOME: home,
    // A killed worker's batches go to another one after this long.
    PLOT_HEARTBEAT_TIMEOUT_MS: '3000',
    ...options.variables,
  });
  const stack = await startLocalStack({
    environment,
    provider: 'simulator',
    workers: options.workers,
    say: () => undefined,
    signal: new AbortController().signal,
  });
  if (stack === null) throw new Error(`${home} is in use`);
  const { api_url: apiUrl, simulator_url: simulator, temporal_address } = stack.state();
  const api = createApiClient({ url: () => apiUrl, revive: async () => undefined });
  const get = async (path: string) => (await fetch(`${simulator}${path}`)).json();

  const its: TestStack = {
    home,
    api,
    apiUrl,
    temporalAddress: temporal_address,
    async submit(job = {}) {
      const file = join(home, 'template.yaml');
      await writeFile(file, options.template ?? twoSteps);
      const template = await api.putTemplate(file);
      const seeds = await api.putSeeds(moviesFile, 'json');
      return api.createJob({ ...usualJob, template: template.id, seeds: seeds.id, ...job });
    },
    until: (id, isSo, boundMs) => until(api, id, isSo, boundMs),
    untilEnded: (id) => until(api, id, ({ status }) => isEnded(status)),
    signal(name, signal) {
      const found = stack.state().children.filter((child) => child.name.startsWith(name));
      for (const { pid } of found) process.kill(pid, signal);
      return found.length;
    },
    async knobs(patch) {
      const body = JSON.stringify(patch);
      const answer = await fetch(`${simulator}/knobs`, { method: 'PUT', body });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async faults() {
      return z.object({ fired: z.record(z.string(), z.int()) }).parse(await get('/faults')).fired;
    },
    async billed(id) {
      const schema = z.object({ calls: z.int(), costPusd: z.string() });
      const { calls, costPusd } = schema.parse(await get(`/bill/total?job=${id}`));
      return { calls, pico: BigInt(costPusd) };
    },
    async stats() {
      const schema = z.object({ requests: z.int(), inFlightMax: z.int() });
      return schema.parse(await get('/stats'));
    },
    async download(id, file) {
      return new Response(await api.download(id, file)).text();
    },
    async stop() {
      await stack.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
  if (options.knobs !== undefined) await its.knobs(options.knobs);
  return its;
}

const usualJob = {
  records: 100,
  limit: '1.00',
  model: null,
  job_seed: 42,
  concurrency: 16,
  undefined: 'error',
} as const;

async function until(
  api: ApiClient,
  id: string,
  isSo: (job: JobBody) => boolean,
  boundMs: number = waitMsMax,
): Promise<JobBody> {
  const deadline = Date.now() + boundMs;
  for (;;) {
    const job = await api.job(id);
    if (isSo(job)) return job;
    if (Date.now() > deadline) {
      throw new Error(`after ${boundMs} ms the job is ${JSON.stringify(job, null, 2)}`);
    }
    await pause(100);
  }
}

function inherited(): Readonly<Record<string, string | undefined>> {
  // A developer's own settings must not reach the processes under test.
  const { PATH, HOME, XDG_CACHE_HOME, TEMPORAL_CLI } = process.env;
  return { PATH, HOME, XDG_CACHE_HOME, TEMPORAL_CLI };
}

/** The laptop's real processes, supervised as `plot dev` supervises them, for tests that break them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type ApiClient, createApiClient, type JobRequest } from '#cli/api-client.ts';
import { projectFile, readEnvironment } from '#cli/environment.ts';
import { isEnded, type JobBody } from '#cli/job-body.ts';
import { type LocalStack, startLocalStack } from '#cli/local-stack.ts';
import type { Child } from '#cli/stack/child.ts';
import type { KnobsPatch } from '#simulator/knobs.ts';
import { type ExtraWorker, startExtraWorker } from './extra-worker.ts';

export const moviesFile = projectFile('node_modules', 'vega-datasets', 'data', 'movies.json');

/** The children by their names, or all workers at once. */
export type ChildName = 'worker' | `worker-${number}` | 'api' | 'temporal' | 'simulator';

export interface TestStack {
  readonly home: string;
  readonly api: ApiClient;
  readonly apiUrl: string;
  readonly temporalAddress: string;
  /** Stores the template and the seeds, and answers the request of a usual job over them. */
  request(job?: Partial<JobRequest>): Promise<JobRequest>;
  /** Submits a job of the two-step template over the real, messy movies. */
  submit(job?: Partial<JobRequest>): Promise<JobBody>;
  /** Waits, however long it takes within the bound, for the job to be as asked. */
  until(id: string, isSo: (job: JobBody) => boolean, boundMs?: number): Promise<JobBody>;
  untilEnded(id: string, boundMs?: number): Promise<JobBody>;
  /** Process ids of the children with this name that run now. */
  pids(name: ChildName): readonly number[];
  /** Sends a signal to every process of this name that runs now; answers how many there were. */
  signal(name: ChildName, signal: NodeJS.Signals): number;
  /** A worker beside those of the stack, supervised too, with what a test wants to do to it. */
  addWorker(extra?: ExtraWorker): Child;
  knobs(patch: KnobsPatch): Promise<void>;
  faults(): Promise<Readonly<Record<string, number>>>;
  /** What the provider has billed for the job: the judge of every amount. */
  billed(id: string): Promise<{ readonly calls: number; readonly pico: bigint }>;
  stats(): Promise<SimulatorStats>;
  download(id: string, file: string): Promise<string>;
  stop(): Promise<void>;
}

export interface SimulatorStats {
  readonly requests: number;
  readonly inFlight: number;
  readonly inFlightMax: number;
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
  const variables = {
    ...inherited(),
    PLOT_HOME: home,
    // A killed worker's batches go to another one after this long.
    PLOT_HEARTBEAT_TIMEOUT_MS: '3000',
    ...options.variables,
  };
  const stack = await startLocalStack({
    environment: readEnvironment(variables),
    provider: 'simulator',
    workers: options.workers,
    say: () => undefined,
    signal: new AbortController().signal,
  });
  if (stack === null) throw new Error(`${home} is in use`);
  const { api_url: apiUrl, simulator_url, temporal_address: temporalAddress } = stack.state();
  const api = createApiClient({ url: () => apiUrl, revive: async () => undefined });
  const simulator = simulatorClient(simulator_url ?? '');
  const request = jobRequests(api, home, options.template ?? twoSteps);
  const extra: Child[] = [];
  const its: TestStack = {
    home,
    api,
    apiUrl,
    temporalAddress,
    request,
    submit: async (job) => api.createJob(await request(job)),
    until: (id, isSo, boundMs) => until(api, id, isSo, boundMs),
    untilEnded: (id, boundMs) => until(api, id, ({ status }) => isEnded(status), boundMs),
    pids: (name) => pidsOf(stack, extra, name),
    signal: (name, signal) => signalChildren(pidsOf(stack, extra, name), signal),
    addWorker(options = {}) {
      const child = startExtraWorker(stack.state(), { ...variables }, options);
      extra.push(child);
      return child;
    },
    ...simulator,
    download: async (id, file) => new Response(await api.download(id, file)).text(),
    async stop() {
      // A process that is stopped cannot end in order.
      signalChildren(pidsOf(stack, extra, 'worker'), 'SIGCONT');
      await Promise.all(extra.map((child) => child.stop(stopMsMax)));
      await stack.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
  if (options.knobs !== undefined) await its.knobs(options.knobs);
  return its;
}

const stopMsMax = 110_000;

function pidsOf(stack: LocalStack, extra: readonly Child[], name: ChildName): number[] {
  const own = stack.state().children.map((child) => ({ name: child.name, pid: child.pid }));
  const added = extra.map((child) => ({ name: child.name, pid: child.pid() }));
  return [...own, ...added].flatMap(({ name: its, pid }) =>
    pid !== null && (its === name || its.startsWith(`${name}-`)) ? [pid] : [],
  );
}

/** How many there were: one that ended in between is none. */
function signalChildren(pids: readonly number[], signal: NodeJS.Signals): number {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false;
    }
  }).length;
}

function jobRequests(api: ApiClient, home: string, document: string): TestStack['request'] {
  return async (job = {}) => {
    const file = join(home, 'template.yaml');
    await writeFile(file, document);
    const template = await api.putTemplate(file);
    const seeds = await api.putSeeds(moviesFile, 'json');
    return { ...usualJob, template: template.id, seeds: seeds.id, ...job };
  };
}

const usualJob = {
  records: 100,
  limit: '1.00',
  model: null,
  job_seed: 42,
  concurrency: 16,
  undefined: 'error',
} as const;

const totalSchema = z.object({ calls: z.int(), costPusd: z.string() });
const statsSchema = z.object({ requests: z.int(), inFlight: z.int(), inFlightMax: z.int() });
const faultsSchema = z.object({ fired: z.record(z.string(), z.int()) });

/** The simulator's own routes. One that is being started again is asked until it answers. */
function simulatorClient(url: string) {
  const get = async (path: string) => (await patiently(`${url}${path}`)).json();
  return {
    async knobs(patch: KnobsPatch): Promise<void> {
      const answer = await patiently(`${url}/knobs`, {
        method: 'PUT',
        body: JSON.stringify(patch),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async faults() {
      return faultsSchema.parse(await get('/faults')).fired;
    },
    async billed(id: string) {
      const { calls, costPusd } = totalSchema.parse(await get(`/bill/total?job=${id}`));
      return { calls, pico: BigInt(costPusd) };
    },
    async stats() {
      return statsSchema.parse(await get('/stats'));
    },
  };
}

const awayMsMax = 30_000;

async function patiently(url: string, init: RequestInit = {}): Promise<Response> {
  const deadline = Date.now() + awayMsMax;
  for (;;) {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(100);
    }
  }
}

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

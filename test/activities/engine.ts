/** The engine of a worker over real parts: local store, sandboxed prompts, Bedrock adapter, simulator. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BatchInput, BatchResult } from '#activities/contract.ts';
import { createActivities } from '#activities/index.ts';
import { type ActivityPorts, type Clock, systemClock } from '#activities/ports.ts';
import { createCallGates } from '#bedrock/call-gate.ts';
import { createBedrockModel } from '#bedrock/converse.ts';
import { type Account, committed } from '#domain/account.ts';
import { type PicoUsd, pico, usd } from '#domain/money.ts';
import { batchKey, planBatches } from '#domain/plan.ts';
import type { Prompts } from '#prompts/contract.ts';
import { createPrompts } from '#prompts/prompts.ts';
import { importSeeds } from '#seeds/import-seeds.ts';
import type { KnobsPatch } from '#simulator/knobs.ts';
import { type Simulator, startSimulator } from '#simulator/server.ts';
import type { JournalEntry, Store } from '#store/contract.ts';
import { openLocalStore } from '#store/local-store.ts';
import type { Plan } from '#workflows/contract.ts';
import { inActivity } from './activity-context.ts';
import { hurriedClock, hurriedGateClock } from './hurried-clock.ts';

/** Two steps, the second made from the first: two calls for each record. */
export const twoSteps = `
template:
  name: films
  description: facts and a blurb
  category: test
  steps:
    - id: facts
      model: amazon.nova-lite-v1:0
      max_tokens: 120
      prompt: List facts on the film {{ title }}.
    - id: blurb
      model: amazon.nova-lite-v1:0
      max_tokens: 200
      prompt: Write a blurb on {{ title }} from {{ steps.facts.output }}
`;

export const oneStep = `
template:
  name: titles
  description: one call for each record
  category: test
  steps:
    - id: facts
      model: amazon.nova-lite-v1:0
      max_tokens: 150
      prompt: List facts on the film {{ title }}.
`;

export interface Engine {
  readonly home: string;
  readonly simulator: Simulator;
  /** The test's own view of the store, never cut off. */
  readonly store: Store;
  /** A worker process: its own store, model, gates and caches. */
  worker(over?: WorkerOptions): Promise<TestWorker>;
  /** A job in the store with its account; answers its id. */
  addJob(options?: JobOptions): Promise<string>;
  put(knobs: KnobsPatch): Promise<void>;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly clock?: Clock;
  readonly drain?: AbortSignal;
  readonly callTimeoutMs?: number;
  /** Wraps the ports, to cut them off or to look at what passes. */
  readonly wrap?: (ports: ActivityPorts) => ActivityPorts;
}

export interface TestWorker {
  readonly activities: ReturnType<typeof createActivities>;
  readonly ports: ActivityPorts;
  /** Runs one batch of a job, cancellable. */
  generate(input: BatchInput, cancel?: AbortSignal): Promise<BatchResult>;
}

export interface JobOptions {
  readonly id?: string;
  readonly records?: number;
  readonly limit?: string;
  readonly concurrency?: number;
  readonly document?: string;
}

const rows = Array.from({ length: 12 }, (_, index) => ({
  title: `Film ${index}`,
  year: 1920 + index,
}));

export async function startEngine(knobs: KnobsPatch = {}): Promise<Engine> {
  const home = await mkdtemp(join(tmpdir(), 'plot-engine-'));
  const simulator = await startSimulator({
    billFile: join(home, 'bill.jsonl'),
    invocationLogFile: join(home, 'invocations.jsonl'),
    knobs,
  });
  const prompts = await createPrompts();
  const store = await openLocalStore({ home });
  const closing: (() => Promise<void>)[] = [() => store.close()];
  let jobs = 0;
  return {
    home,
    simulator,
    store,
    async worker(over = {}) {
      const own = await openWorker({ home, simulator, prompts }, over);
      closing.push(own.close);
      return own;
    },
    async addJob(options = {}) {
      jobs += 1;
      return addJob(store, prompts, { id: `job_${jobs}`, ...options });
    },
    async put(patch) {
      const body = JSON.stringify(patch);
      const response = await fetch(`${simulator.url}/knobs`, { method: 'PUT', body });
      if (!response.ok) throw new Error(`PUT /knobs: ${await response.text()}`);
    },
    async close() {
      await Promise.all(closing.map((close) => close()));
      await simulator.close();
      await prompts.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly home: string;
  readonly simulator: Simulator;
  readonly prompts: Prompts;
}

async function openWorker(
  { home, simulator, prompts }: Place,
  over: WorkerOptions,
): Promise<TestWorker & { close: () => Promise<void> }> {
  const store = await openLocalStore({ home });
  const model = createBedrockModel({
    region: 'us-east-1',
    endpoint: simulator.url,
    concurrencyMax: 64,
    callTimeoutMs: over.callTimeoutMs ?? 20_000,
    credentials: { accessKeyId: 'AKIDSIMULATED', secretAccessKey: 'secret' },
  });
  const ports: ActivityPorts = {
    store,
    prompts,
    model,
    gates: createCallGates({ callsMax: 64, clock: hurriedGateClock(), random: () => 0.5 }),
    clock: over.clock ?? hurriedClock(),
    drain: over.drain ?? new AbortController().signal,
    generator: { name: 'plot-palette', version: '0.0.0' },
  };
  const wrapped = over.wrap?.(ports) ?? ports;
  const activities = createActivities(wrapped);
  return {
    activities,
    ports: wrapped,
    generate: (input, cancel) => inActivity(() => activities.generateBatch(input), cancel),
    async close() {
      await model.close();
      await store.close();
    },
  };
}

async function addJob(
  store: Store,
  prompts: Prompts,
  options: JobOptions & { readonly id: string },
): Promise<string> {
  const { id, records = 10, limit = '1.00', concurrency = 4, document = twoSteps } = options;
  const checked = await prompts.check(document);
  if (checked.kind === 'invalid') throw new Error(JSON.stringify(checked.problems));
  const { template, graph, variables, warnings } = checked;
  const sha256 = Buffer.from(template.name).toString('hex').padEnd(64, '0');
  const createdAt = systemClock.timestamp();
  const stored = { sha256, document, template, graph, variables, warnings, createdAt };
  await store.templates.put({ id: `tpl_${template.name}`, ...stored });
  const source = (async function* () {
    yield Buffer.from(JSON.stringify(rows));
  })();
  const imported = await importSeeds(source, {
    format: 'detect',
    store: store.objects,
    prefix: 'seeds/',
  });
  if (imported.kind === 'refused') throw new Error(JSON.stringify(imported.problems));
  const seeds = await store.seedSets.put({ ...imported.seedSet, createdAt });
  await store.ledger.openAccount(id, usd(limit));
  await store.jobs.create({
    id,
    warnings: [],
    createdAt,
    idempotency: null,
    spec: {
      template: { id: `tpl_${template.name}`, name: template.name, sha256 },
      seeds: { id: seeds.id, sha256: seeds.sha256, rows: seeds.rows },
      records,
      jobSeed: 42,
      model: null,
      concurrency,
      undefinedMode: 'error',
      provider: 'simulator',
      sha256: 'b'.repeat(64),
    },
  });
  return id;
}

/** One batch of all the job's records, unless told otherwise. */
export function batchOf(jobId: string, over: Partial<BatchInput> = {}): BatchInput {
  return { jobId, batch: 0, start: 0, size: 10, concurrency: 4, window: 1, waiting: 0, ...over };
}

export function planOf(records: number, over: Partial<Plan> = {}): Plan {
  const plan = planBatches(records);
  return { ...plan, window: 4, concurrency: 4, template: 'films', models: [], ...over };
}

export interface Billed {
  readonly calls: number;
  readonly cost: PicoUsd;
}

/** What the provider charges for the job, whoever saw the answers. */
export async function billOf(engine: Engine, jobId: string): Promise<Billed> {
  const response = await fetch(`${engine.simulator.url}/bill/total?job=${jobId}`);
  const total = (await response.json()) as { calls: number; costPusd: string };
  return { calls: total.calls, cost: pico(BigInt(total.costPusd)) };
}

export async function accountOf(engine: Engine, jobId: string): Promise<Account> {
  const account = await engine.store.ledger.account(jobId);
  if (account === null) throw new Error(`job ${jobId} has no account`);
  return account;
}

/** G1, from outside: throws unless the bill is covered by what the ledger counts, and that by the limit. */
export async function judge(
  engine: Engine,
  jobId: string,
): Promise<{ readonly bill: Billed; readonly account: Account }> {
  const bill = await billOf(engine, jobId);
  const account = await accountOf(engine, jobId);
  const counted = committed(account);
  if (bill.cost > counted) {
    throw new Error(`billed ${bill.cost} pUSD, and only ${counted} are spent, held or unknown`);
  }
  if (counted > account.limit) throw new Error(`${counted} of ${account.limit} pUSD are counted`);
  return { bill, account };
}

export async function entriesOf(
  engine: Engine,
  jobId: string,
  batch = 0,
): Promise<(JournalEntry | 'corrupt')[]> {
  const attempts = await engine.store.journal.read(jobId, batchKey(batch));
  return attempts.flatMap(({ entries }) => [...entries]);
}

/** Every entry's question: a question that was paid twice is there twice. */
export function questionsOf(entries: readonly (JournalEntry | 'corrupt')[]): string[] {
  return entries.map((entry) =>
    entry === 'corrupt' ? 'corrupt' : `${entry.record}/${entry.step}/${entry.try}`,
  );
}

import { Worker } from 'node:worker_threads';

/**
 * The sandbox thread as seen from outside: tasks queue up, travel in batches, and each gets an answer even if the
 * thread dies on the way. A dead thread is replaced; the task it died on is told so, the others run again.
 */
export interface Sandbox {
  run(task: SandboxTask, definition?: StepDefinition): Promise<SandboxAnswer>;
  close(): Promise<void>;
}

/** Strings only, in tuples: what a thread boundary copies cheapest. */
export type SandboxTask =
  | readonly ['render', key: string, json: string]
  | readonly ['analyse', textName: string, text: string];

/** The texts behind a render task's key, sent to the thread once. */
export interface StepDefinition {
  readonly key: string;
  readonly json: () => string;
}

export type SandboxAnswer =
  | { readonly kind: 'answered'; readonly json: string }
  | { readonly kind: 'exhausted' | 'broken'; readonly detail: string };

export interface Batch {
  readonly id: number;
  readonly definitions: readonly (readonly [key: string, json: string])[];
  readonly forgotten: readonly string[];
  readonly tasks: readonly SandboxTask[];
}

export interface BatchAnswer {
  readonly id: number;
  readonly answers: readonly string[];
}

/** Tasks per message: past this the cost of a message no longer shows. */
const batchTasksMax = 64;
/** Step texts the thread keeps; more steps than any process renders at a time. */
const definitionsMax = 1_024;
/** A task ends within 5 s by the engine's own limits: one that does not is stuck, and so is its thread. */
const stuckMs = 20_000;

interface Waiting {
  readonly task: SandboxTask;
  readonly definition: StepDefinition | null;
  readonly resolve: (answer: SandboxAnswer) => void;
}

export interface SandboxOptions {
  /** The program of the thread. */
  readonly workerUrl: URL;
  readonly stuckMs: number;
}

const defaults: SandboxOptions = {
  workerUrl: new URL('./sandbox-worker.ts', import.meta.url),
  stuckMs,
};

export function openSandbox(options: SandboxOptions = defaults): Sandbox {
  const queue: Waiting[] = [];
  let thread: Thread | null = null;
  let isScheduled = false;
  let isClosed = false;

  const pump = () => {
    isScheduled = false;
    if (queue.length === 0 || isClosed) return;
    thread ??= startThread(onDeath, options);
    if (thread.inFlight === null) thread.send(queue.splice(0, batchTasksMax), pump);
  };
  const onDeath = (
    unfinished: readonly Waiting[],
    culprit: Waiting | undefined,
    reason: string,
  ) => {
    thread = null;
    culprit?.resolve({ kind: 'exhausted', detail: reason });
    queue.unshift(...unfinished.filter((waiting) => waiting !== culprit));
    pump();
  };
  return {
    run: (task, definition) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error('the prompt sandbox is closed'));
        queue.push({ task, definition: definition ?? null, resolve });
        // Tasks of the same turn of the event loop travel together.
        if (!isScheduled) setImmediate(pump);
        isScheduled = true;
      }),
    async close() {
      isClosed = true;
      const pending = [...(thread?.inFlight ?? []), ...queue.splice(0)];
      await thread?.stop();
      thread = null;
      for (const { resolve } of pending)
        resolve({ kind: 'broken', detail: 'the prompt sandbox was closed' });
    },
  };
}

interface Thread {
  readonly inFlight: readonly Waiting[] | null;
  send(tasks: readonly Waiting[], onAnswered: () => void): void;
  stop(): Promise<void>;
}

type OnDeath = (
  unfinished: readonly Waiting[],
  culprit: Waiting | undefined,
  reason: string,
) => void;

function startThread(onDeath: OnDeath, options: SandboxOptions): Thread {
  const { worker, progress } = startWorker(options.workerUrl);
  const known = knownSteps();
  let inFlight: readonly Waiting[] | null = null;
  let answered: () => void = () => {};
  let batchId = 0;
  let isReady = false;
  let isStopping = false;

  const watchdog = openWatchdog(progress, options.stuckMs, () => {
    void worker.terminate();
    died('the sandbox did not answer in time');
  });
  /** What was under way, which is then no longer. */
  const takeInFlight = () => {
    watchdog.stop();
    const taken = inFlight ?? [];
    inFlight = null;
    return taken;
  };
  const died = (reason: string) => {
    if (isStopping) return;
    isStopping = true;
    const unfinished = takeInFlight();
    if (isReady) return onDeath(unfinished, unfinished[Atomics.load(progress, 0)], reason);
    // Without a start there is no task to blame: trying again for ever would hang every caller instead.
    const detail = `the prompt sandbox does not start: ${reason}`;
    for (const { resolve } of unfinished) resolve({ kind: 'broken', detail });
    onDeath([], undefined, reason);
  };
  worker.on('message', (message: BatchAnswer | 'ready') => {
    isReady = true;
    if (message === 'ready') return;
    const done = takeInFlight();
    // An idle thread must not keep the process alive; one with work must.
    worker.unref();
    answered();
    for (const [index, { resolve }] of done.entries()) {
      resolve(readAnswer(message.answers[index] ?? '?no answer'));
    }
  });
  worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => died(`the sandbox thread ended with ${code}`));

  return {
    get inFlight() {
      return inFlight;
    },
    send(tasks, onAnswered) {
      inFlight = tasks;
      answered = onAnswered;
      worker.ref();
      Atomics.store(progress, 0, 0);
      batchId += 1;
      worker.postMessage({
        id: batchId,
        ...known.changes(tasks),
        tasks: tasks.map(({ task }) => task),
      } satisfies Batch);
      watchdog.start();
    },
    async stop() {
      isStopping = true;
      watchdog.stop();
      await worker.terminate();
    },
  };
}

function startWorker(program: URL) {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(program, {
    workerData: { progress },
    // Only the notice that taking types out of our own sources is experimental in this Node.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  return { worker, progress };
}

/** Calls back once the thread has been at one task, or at its start, for too long. */
function openWatchdog(progress: Int32Array, stuckMs: number, onStuck: () => void) {
  let timer: NodeJS.Timeout | undefined;
  const watch = (before: number) => {
    timer = setTimeout(() => {
      const now = Atomics.load(progress, 0);
      if (now === before) onStuck();
      else watch(now);
    }, stuckMs);
  };
  return { start: () => watch(-1), stop: () => clearTimeout(timer) };
}

/** Which step texts the thread has, oldest first. */
function knownSteps() {
  const known = new Set<string>();
  const oldest = (tasks: readonly Waiting[]) => {
    const inUse = new Set(tasks.map(({ definition }) => definition?.key));
    return [...known].filter((key) => !inUse.has(key)).slice(0, known.size - definitionsMax);
  };
  return {
    changes(tasks: readonly Waiting[]): Pick<Batch, 'definitions' | 'forgotten'> {
      const definitions: [string, string][] = [];
      for (const { definition } of tasks) {
        if (definition === null || known.has(definition.key)) continue;
        known.add(definition.key);
        definitions.push([definition.key, definition.json()]);
      }
      const forgotten = known.size > definitionsMax ? oldest(tasks) : [];
      for (const key of forgotten) known.delete(key);
      return { definitions, forgotten };
    },
  };
}

function readAnswer(told: string): SandboxAnswer {
  const rest = told.slice(1);
  if (told.startsWith('=')) return { kind: 'answered', json: rest };
  return { kind: told.startsWith('!') ? 'exhausted' : 'broken', detail: rest };
}

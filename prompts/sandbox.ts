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

export function openSandbox(): Sandbox {
  const queue: Waiting[] = [];
  let thread: Thread | null = null;
  let isScheduled = false;
  let isClosed = false;

  const pump = () => {
    isScheduled = false;
    if (queue.length === 0 || isClosed) return;
    thread ??= startThread(onDeath);
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

function startThread(onDeath: OnDeath): Thread {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./sandbox-worker.ts', import.meta.url), {
    workerData: { progress },
    // Only the notice that taking types out of our own sources is experimental in this Node.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const known = knownSteps();
  let inFlight: readonly Waiting[] | null = null;
  let answered: () => void = () => {};
  let batchId = 0;
  let isReady = false;
  let isStopping = false;
  let watchdog: NodeJS.Timeout | undefined;

  worker.on('message', (message: BatchAnswer | 'ready') => {
    if (message === 'ready') {
      isReady = true;
      return;
    }
    clearTimeout(watchdog);
    const done = inFlight ?? [];
    inFlight = null;
    // An idle thread must not keep the process alive; one with work must.
    worker.unref();
    answered();
    for (const [index, { resolve }] of done.entries())
      resolve(readAnswer(message.answers[index] ?? '?no answer'));
  });
  const died = (reason: string) => {
    if (isStopping) return;
    isStopping = true;
    clearTimeout(watchdog);
    const unfinished = inFlight ?? [];
    inFlight = null;
    // Without a start there is no task to blame: trying again for ever would hang every caller instead.
    if (!isReady)
      for (const { resolve } of unfinished)
        resolve({ kind: 'broken', detail: `the prompt sandbox does not start: ${reason}` });
    onDeath(
      isReady ? unfinished : [],
      isReady ? unfinished[Atomics.load(progress, 0)] : undefined,
      reason,
    );
  };
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
      watch();
    },
    async stop() {
      isStopping = true;
      clearTimeout(watchdog);
      await worker.terminate();
    },
  };

  /** Looks again while the thread gets on with its tasks; ends it when it has been at one for too long. */
  function watch(before = -1): void {
    watchdog = setTimeout(() => {
      const now = Atomics.load(progress, 0);
      if (now !== before || !isReady) return watch(now);
      void worker.terminate();
      died('the sandbox did not answer in time');
    }, stuckMs);
  }
}

/** Which step texts the thread has, oldest first. */
function knownSteps() {
  const known = new Set<string>();
  return {
    changes(tasks: readonly Waiting[]): Pick<Batch, 'definitions' | 'forgotten'> {
      const definitions: [string, string][] = [];
      for (const { definition } of tasks) {
        if (definition === null || known.has(definition.key)) continue;
        known.add(definition.key);
        definitions.push([definition.key, definition.json()]);
      }
      const inUse = new Set(tasks.map(({ definition }) => definition?.key));
      const surplus = Math.max(0, known.size - definitionsMax);
      const forgotten = [...known].filter((key) => !inUse.has(key)).slice(0, surplus);
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

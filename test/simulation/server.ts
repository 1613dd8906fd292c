/** The part of a Temporal server: runs activities on workers, times silent attempts out, tries again. */
import { asyncLocalStorage, Context, type Info } from '@temporalio/activity';
import {
  ActivityCancellationDetails,
  ApplicationFailure,
  noopMetricMeter,
} from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time.js';
import type { Activities } from '#activities/contract.ts';
import { batchKey } from '#domain/plan.ts';
import type { Worker, World } from './worker.ts';

export interface Server {
  /** The activity's result, however many attempts it takes; rejects where no attempt can help. */
  execute<Name extends keyof Activities>(
    name: Name,
    input: Parameters<Activities[Name]>[0],
    cancel?: AbortSignal,
  ): Promise<Awaited<ReturnType<Activities[Name]>>>;
}

/** The workflow called the activity back, and it did not end by itself. */
export class Cancelled extends Error {}

interface Attempt {
  readonly number: number;
  readonly worker: Worker;
  lastBeatMs: number;
  /** The server has given it up, or it has ended. */
  isOver: boolean;
  readonly cancel: AbortController;
  readonly holder: { details?: ActivityCancellationDetails };
}

type End =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'timed-out' };

const backOffMsMax = 30_000;
const defaultHeartbeatTimeoutMs = 60_000;

export function createServer(world: World, workers: () => readonly Worker[]): Server {
  const { time, conditions, judge, note } = world;

  async function freeWorker(): Promise<Worker> {
    for (;;) {
      const polling = workers().filter((worker) => worker.isPolling());
      const first = polling[0];
      if (first !== undefined) return first.wire.chance.pick([first, ...polling.slice(1)]);
      await time.sleep(500);
    }
  }

  async function execute(name: keyof Activities, input: unknown, cancel?: AbortSignal) {
    for (let tries = 0; ; tries += 1) {
      if (cancel?.aborted) throw new Cancelled();
      const worker = await freeWorker();
      const end = await runAttempt(worker, name, input, { number: tries + 1, cancel });
      note(() => `${worker.life.name} ${name} ${JSON.stringify(input)}: ${describe(end)}`);
      if (end.kind === 'result') return end.result;
      const failed = end.kind === 'failed' ? end.error : null;
      if (failed instanceof ApplicationFailure && failed.nonRetryable === true) throw failed;
      // An assertion of the engine is a bug, whatever a retry makes of it.
      if (isAssertion(failed)) judge.blame('liveness', `${name}: ${String(failed)}`);
      await untilNextTry(failed, tries, cancel);
    }
  }

  async function untilNextTry(
    failed: unknown,
    tries: number,
    cancel: AbortSignal | undefined,
  ): Promise<void> {
    const asked = failed instanceof ApplicationFailure ? failed.nextRetryDelay : undefined;
    const backOffMs = Math.min(1_000 * 2 ** tries, backOffMsMax);
    const waited = time.sleep(asked === undefined ? backOffMs : msToNumber(asked));
    await (cancel === undefined ? waited : Promise.race([waited, abortOf(cancel)]));
  }

  function runAttempt(
    worker: Worker,
    name: keyof Activities,
    input: unknown,
    { number, cancel }: { number: number; cancel: AbortSignal | undefined },
  ): Promise<End> {
    const attempt: Attempt = {
      number,
      worker,
      lastBeatMs: time.nowMs(),
      isOver: false,
      cancel: new AbortController(),
      holder: {},
    };
    const ended = runInContext(attempt, name, input, cancel);
    return Promise.race([ended, silence(attempt, name, input)]).finally(() => {
      attempt.isOver = true;
    });
  }

  async function runInContext(
    attempt: Attempt,
    name: keyof Activities,
    input: unknown,
    cancel: AbortSignal | undefined,
  ): Promise<End> {
    const { worker } = attempt;
    const stop = () => tellOnNextBeat(attempt, { workerShutdown: true });
    worker.graceOver.addEventListener('abort', stop, { once: true });
    const context = contextOf(attempt, () => beat(attempt, cancel));
    // The union of all activities cannot be called; each gets the input that belongs to its name.
    const activity = worker.activities[name] as (input: unknown) => Promise<unknown>;
    let end: End;
    try {
      end = { kind: 'result', result: await asyncLocalStorage.run(context, () => activity(input)) };
    } catch (error) {
      end = { kind: 'failed', error };
    }
    await worker.wire.reach(`before:complete.${name}`);
    return end;
  }

  /** A beat keeps the attempt alive, and its answer says whether anybody still waits for it. */
  function beat(attempt: Attempt, cancel: AbortSignal | undefined): void {
    if (attempt.worker.life.state() !== 'running') return;
    if (attempt.isOver) return tellOnNextBeat(attempt, { notFound: true });
    attempt.lastBeatMs = time.nowMs();
    if (cancel?.aborted) tellOnNextBeat(attempt, { cancelRequested: true });
  }

  function tellOnNextBeat(
    attempt: Attempt,
    reason: { notFound?: boolean; cancelRequested?: boolean; workerShutdown?: boolean },
  ): void {
    if (attempt.holder.details !== undefined) return;
    attempt.holder.details = new ActivityCancellationDetails(reason);
    const abort = () => attempt.cancel.abort(new Error(JSON.stringify(reason)));
    time.after(20, () => attempt.worker.life.whenRunning(abort));
  }

  /** Resolves once the attempt was silent for too long; a dead worker's silence is all one hears of it. */
  async function silence(attempt: Attempt, name: string, input: unknown): Promise<End> {
    const timeoutMs =
      name === 'generateBatch' ? conditions.heartbeatTimeoutMs : defaultHeartbeatTimeoutMs;
    for (;;) {
      const leftMs = attempt.lastBeatMs + timeoutMs - time.nowMs();
      if (leftMs <= 0) break;
      await time.sleep(leftMs);
      if (attempt.isOver) return { kind: 'timed-out' };
    }
    const { batch } = { batch: null, ...(input as { batch?: number }) };
    const isAlive = attempt.worker.life.state() !== 'dead';
    if (isAlive && batch !== null) judge.overlapped(batchKey(batch));
    return { kind: 'timed-out' };
  }

  return { execute: execute as Server['execute'] };
}

function describe(end: End): string {
  switch (end.kind) {
    case 'result':
      return JSON.stringify(end.result) ?? 'done';
    case 'failed':
      return String(end.error);
    case 'timed-out':
      return 'timed out';
  }
}

function isAssertion(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Assertion failed');
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function contextOf(attempt: Attempt, onBeat: () => void): Context {
  return new Context(
    // The engine reads nothing else of it.
    { attempt: attempt.number } as Info,
    new Promise<never>(() => undefined),
    attempt.cancel.signal,
    onBeat,
    undefined,
    silentLogger,
    noopMetricMeter,
    attempt.holder,
  );
}

const ignore = (): void => undefined;
const silentLogger = {
  log: ignore,
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
};

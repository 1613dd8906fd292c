import { setTimeout as pause } from 'node:timers/promises';
import { type ChildSpec, type Launch, launch, startFailure } from './launch.ts';
import { rotateLog } from './log-file.ts';

export interface ChildHooks {
  onStart(pid: number): void;
  /** It ended. It is started again after the delay; null where it is not. */
  onEnd(pid: number | null, how: string, delayMs: number | null): void;
}

/** A process that is started again whenever it ends, until it is stopped. */
export interface Child {
  readonly name: string;
  pid(): number | null;
  /** Its command line as the system shows it. */
  commandLine(): string | null;
  restarts(): number;
  /** Resolves when it was ready for the first time; rejects when it does not get there. */
  readonly ready: Promise<void>;
  /** Asks it to end; kills it after the time. Resolves when it is gone. */
  stop(timeoutMs: number): Promise<void>;
  kill(): void;
}

/** A start that fails so often before it ever succeeded is a fault that another one does not mend. */
const firstStartsMax = 3;
const readyTimeoutMs = 60_000;
const delayFirstMs = 100;
const delayMostMs = 5_000;
/** A child that ran for so long is well: its next end is a new story. */
const healthyMs = 30_000;

export function superviseChild(spec: ChildSpec, hooks: ChildHooks): Child {
  let current: Launch | null = null;
  let restarts = 0;
  const stopping = new AbortController();
  const readiness = firstReadiness(spec);

  async function run(): Promise<void> {
    for (let delayMs = delayFirstMs; !stopping.signal.aborted; restarts += 1) {
      const begunMs = performance.now();
      const started = begin();
      const how = await started.ended;
      current = null;
      const isGivenUp = !readiness.isReached() && restarts + 1 >= firstStartsMax;
      const isLast = stopping.signal.aborted || isGivenUp;
      if (performance.now() - begunMs > healthyMs) delayMs = delayFirstMs;
      hooks.onEnd(started.process.pid ?? null, how, isLast ? null : delayMs);
      if (isGivenUp) readiness.fail(how, started.lastWords());
      if (isLast) return;
      await pause(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, delayMostMs);
    }
  }

  function begin(): Launch {
    const started = launch(spec);
    current = started;
    void started.ready.then((isReady) => (isReady ? readiness.reach() : undefined));
    if (started.process.pid !== undefined) hooks.onStart(started.process.pid);
    return started;
  }

  rotateLog(spec.log);
  const ended = run();

  async function stop(timeoutMs: number): Promise<void> {
    stopping.abort();
    readiness.giveUp();
    current?.process.kill('SIGTERM');
    const isGone = ended.then(() => true);
    if (!(await Promise.race([isGone, pause(timeoutMs, false, { ref: false })]))) kill();
    await ended;
  }

  function kill(): void {
    stopping.abort();
    readiness.giveUp();
    current?.process.kill('SIGKILL');
  }

  return {
    name: spec.name,
    pid: () => current?.process.pid ?? null,
    commandLine: () => current?.commandLine ?? null,
    restarts: () => restarts,
    ready: readiness.promise,
    stop,
    kill,
  };
}

/** Whether the child was ever ready, within a minute. */
function firstReadiness(spec: ChildSpec) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isReached = false;
  // A child that nobody waits for may fail as well: its restarts are told about.
  promise.catch(() => undefined);
  const fail = (how: string, words: readonly string[]) => {
    clearTimeout(timer);
    reject(startFailure(spec, how, words));
  };
  const timer = setTimeout(
    () => fail(`not ready after ${readyTimeoutMs / 1_000} s`, []),
    readyTimeoutMs,
  );
  return {
    promise,
    isReached: () => isReached,
    reach: () => {
      isReached = true;
      clearTimeout(timer);
      resolve();
    },
    fail,
    giveUp: () => clearTimeout(timer),
  };
}

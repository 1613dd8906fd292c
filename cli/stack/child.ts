import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { Environment } from '#cli/environment.ts';
import { lastLines, readFrom, rotateLog, sizeOf } from './log-file.ts';
import { isListening } from './ports.ts';
import { commandOf } from './processes.ts';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  /** stdout and stderr, appended. A file and not a pipe: the child outlives its supervisor in order. */
  readonly log: string;
  /** Ready when it says {"ready":true} on stdout, or when it listens on its port. */
  readonly ready: { readonly kind: 'line' } | { readonly kind: 'port'; readonly port: number };
}

export interface ChildHooks {
  onStart(pid: number): void;
  /** It ended and is started again after the delay. */
  onEnd(pid: number | null, how: string, delayMs: number): void;
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
  let current: ChildProcess | null = null;
  let commandLine: string | null = null;
  let restarts = 0;
  let isReadyOnce = false;
  const stopping = new AbortController();
  const first = Promise.withResolvers<void>();
  // Who never asks is not to be ended by it.
  first.promise.catch(() => undefined);

  function becameReady(): void {
    isReadyOnce = true;
    first.resolve();
  }

  async function run(): Promise<void> {
    for (let delayMs = delayFirstMs; !stopping.signal.aborted; restarts += 1) {
      const begunMs = performance.now();
      const offset = sizeOf(spec.log);
      const exited = launch(offset);
      const how = await exited;
      const pid = current?.pid ?? null;
      current = null;
      if (stopping.signal.aborted) return hooks.onEnd(pid, how, 0);
      if (!isReadyOnce && restarts + 1 >= firstStartsMax) {
        hooks.onEnd(pid, how, 0);
        return first.reject(startFailure(spec, how, offset));
      }
      if (performance.now() - begunMs > healthyMs) delayMs = delayFirstMs;
      hooks.onEnd(pid, how, delayMs);
      await pause(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, delayMostMs);
    }
  }

  function launch(offset: number): Promise<string> {
    const child = spawnLogged(spec);
    current = child;
    const exited = howItEnds(child);
    if (child.pid !== undefined) {
      commandLine = commandOf(child.pid);
      hooks.onStart(child.pid);
    }
    void untilReady(spec, offset, child).then((isReady) => {
      if (isReady) becameReady();
    });
    return exited;
  }

  rotateLog(spec.log);
  const ended = run();
  const timer = setTimeout(
    () => first.reject(startFailure(spec, `not ready after ${readyTimeoutMs / 1_000} s`, 0)),
    readyTimeoutMs,
  );
  void first.promise.finally(() => clearTimeout(timer)).catch(() => undefined);

  async function stop(timeoutMs: number): Promise<void> {
    stopping.abort();
    current?.kill('SIGTERM');
    const isGone = await Promise.race([
      ended.then(() => true),
      pause(timeoutMs, false, { ref: false }),
    ]);
    if (!isGone) current?.kill('SIGKILL');
    clearTimeout(timer);
    await ended;
  }

  return {
    name: spec.name,
    pid: () => current?.pid ?? null,
    commandLine: () => commandLine,
    restarts: () => restarts,
    ready: first.promise,
    stop,
    kill: () => {
      stopping.abort();
      current?.kill('SIGKILL');
    },
  };
}

function spawnLogged(spec: ChildSpec): ChildProcess {
  const log = openSync(spec.log, 'a');
  try {
    return spawn(spec.command, spec.args, {
      // A session of its own: Ctrl-C at the terminal is for the supervisor, which asks in order.
      detached: true,
      stdio: ['ignore', log, log],
      env: spec.env,
    });
  } finally {
    closeSync(log);
  }
}

/** How the process ended, in words. */
function howItEnds(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
}

async function untilReady(spec: ChildSpec, offset: number, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    if (await isReady(spec, offset)) return true;
    await pause(50);
  }
  return false;
}

function isReady({ ready, log }: ChildSpec, offset: number): boolean | Promise<boolean> {
  if (ready.kind === 'port') return isListening(ready.port);
  return /^\{"ready":true/m.test(readFrom(log, offset));
}

function startFailure(spec: ChildSpec, how: string, offset: number): CliError {
  return new CliError({
    code: 'start_failed',
    exitCode: exitCodes.noServer,
    message: `${spec.name} could not be started: ${how}. Its last words:`,
    details: lastLines(spec.log, offset, 8),
    hint: `The whole log is ${spec.log}; \`./plot doctor\` checks what is needed.`,
  });
}

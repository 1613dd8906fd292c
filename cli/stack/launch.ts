/** One start of a child process: its log, when it is ready, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { Environment } from '#cli/environment.ts';
import { lastLines, readFrom, sizeOf } from './log-file.ts';
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

export interface Launch {
  readonly process: ChildProcess;
  /** The command line as the system shows it; null where there is no process. */
  readonly commandLine: string | null;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  /** Whether it was ready before it ended. */
  readonly ready: Promise<boolean>;
  /** The last lines of this start in its log. */
  lastWords(): readonly string[];
}

export function launch(spec: ChildSpec): Launch {
  const offset = sizeOf(spec.log);
  const child = spawnLogged(spec);
  return {
    process: child,
    commandLine: child.pid === undefined ? null : commandOf(child.pid),
    ended: howItEnds(child),
    ready: untilReady(spec, offset, child),
    lastWords: () => lastLines(spec.log, offset, 8),
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

export function startFailure(spec: ChildSpec, how: string, words: readonly string[]): CliError {
  return new CliError({
    code: 'start_failed',
    exitCode: exitCodes.noServer,
    message: `${spec.name} could not be started: ${how}.${words.length === 0 ? '' : ' Its last words:'}`,
    details: words,
    hint: `Its log is ${spec.log}; \`./plot doctor\` checks what is needed.`,
  });
}

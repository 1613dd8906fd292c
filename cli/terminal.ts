import type { JsonObject } from '#domain/json.ts';
import { CliError, errorText, exitCodes, messageOf } from './cli-error.ts';

/** Where a command speaks: data on stdout, everything else on stderr. */
export interface Terminal {
  readonly isJson: boolean;
  /** Whether a person sits there who can be asked. */
  readonly isInteractive: boolean;
  /** One line of JSON on stdout; nothing without --json. */
  event(event: JsonObject): void;
  /** What was asked for, for people: on stdout, and nothing with --json. */
  print(text: string): void;
  /** A message on stderr. */
  say(text: string): void;
  /** A line that the next one replaces. Where nothing can be replaced it is printed now and then. */
  progress(line: string): void;
  /** Ends the replaceable line. */
  endProgress(): void;
}

interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface TerminalStreams {
  readonly stdin: { readonly isTTY?: boolean };
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  /** A terminal that cannot move its cursor is written to line by line. */
  readonly term: string | undefined;
  readonly now: () => number;
}

/** Without a terminal a progress line is printed this often: enough to see life in a log. */
const plainEveryMs = 10_000;

export function createTerminal(streams: TerminalStreams, isJson: boolean): Terminal {
  const { stdin, stdout, stderr } = streams;
  const canReplace = stderr.isTTY === true && streams.term !== 'dumb';
  let shown = '';
  let plainAtMs = Number.NEGATIVE_INFINITY;

  function clear(): void {
    if (shown !== '') stderr.write('\r\u001b[2K');
  }

  function replace(line: string): void {
    clear();
    // One column less than the terminal has: a full line would wrap and could not be replaced.
    shown = line.slice(0, Math.max(20, (stderr.columns ?? 80) - 1));
    stderr.write(shown);
  }

  return {
    isJson,
    isInteractive: stdin.isTTY === true && stderr.isTTY === true,
    event: (event) => {
      if (isJson) stdout.write(`${JSON.stringify(event)}\n`);
    },
    print: (text) => {
      if (!isJson) stdout.write(`${text}\n`);
    },
    say: (text) => {
      clear();
      stderr.write(`${text}\n`);
      stderr.write(shown);
    },
    progress: (line) => {
      if (canReplace) return replace(line);
      if (streams.now() - plainAtMs < plainEveryMs) return;
      plainAtMs = streams.now();
      stderr.write(`${line}\n`);
    },
    endProgress: () => {
      if (shown !== '') stderr.write('\n');
      shown = '';
    },
  };
}

/** Says what went wrong, in the form asked for, and returns the exit code. */
export function reportError(terminal: Terminal, error: unknown): number {
  terminal.endProgress();
  const code = error instanceof CliError ? error.code : 'internal';
  const hint = error instanceof CliError ? error.hint : null;
  const details = error instanceof CliError ? error.details : [];
  terminal.event({
    type: 'result',
    status: 'error',
    error: { code, message: messageOf(error), details, hint },
  });
  terminal.say(errorText(error));
  return error instanceof CliError ? error.exitCode : exitCodes.error;
}

/** The plot command: reads arguments, runs one command, ends with the exit code that scripts rely on. */
import { CommanderError } from 'commander';
import { exitCodes, usageError } from './cli-error.ts';
import {
  type CliEnvironment,
  type Environment,
  inheritedEnvironment,
  readEnvironment,
} from './environment.ts';
import { killStacks } from './local-stack.ts';
import { createProgram } from './program.ts';
import { type CommandContext, Interrupted } from './session.ts';
import { createTerminal, reportError, type Terminal } from './terminal.ts';

/** A handle that something forgot must not keep a finished command from ending. */
const lingerMs = 3_000;

/**
 * Runs the command line and returns the exit code; what is wrong has been said then. `overrides` take the
 * place of variables of the environment.
 */
export async function runCli(
  argv: readonly string[],
  overrides: Environment = {},
): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const terminal = createTerminal(
    { stdin, stdout, stderr, term: inheritedEnvironment()['TERM'], now: () => performance.now() },
    argv.includes('--json'),
  );
  const interrupt = interruptions();
  try {
    const environment = () => readEnvironment({ ...inheritedEnvironment(), ...overrides });
    return await runProgram(argv, { terminal, environment, signal: interrupt.signal });
  } catch (error) {
    if (error instanceof Interrupted) {
      terminal.endProgress();
      terminal.say('Stopped.');
      terminal.event({ type: 'result', status: 'interrupted' });
      return exitCodes.cancelled;
    }
    return reportError(terminal, error);
  } finally {
    interrupt.stop();
  }
}

interface Ports {
  readonly terminal: Terminal;
  /** Read when a command runs: help is shown in any environment. */
  readonly environment: () => CliEnvironment;
  readonly signal: AbortSignal;
}

async function runProgram(argv: readonly string[], ports: Ports): Promise<number> {
  const { terminal, environment, signal } = ports;
  let exitCode: number = exitCodes.done;
  const program = createProgram({
    isJson: terminal.isJson,
    run: async (command) => {
      const context: CommandContext = { terminal, environment: environment(), signal };
      exitCode = await command(context);
    },
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCodes.done;
    if (error.code === 'commander.help') return exitCodes.usage;
    throw usageError('usage', shortened(error.message.replace(/^error: /, '')), helpHint(argv));
  }
}

/** A whole file pasted as an argument is not repeated. */
function shortened(message: string): string {
  return message.length > 500 ? `${message.slice(0, 500)}…` : message;
}

function helpHint(argv: readonly string[]): string {
  const command = argv.find((word) => /^[a-z][a-z-]*$/.test(word));
  return `\`./plot ${command === undefined ? '' : `${command} `}-h\` shows examples and what is allowed.`;
}

/** The first signal asks for an end in order; a second one ends everything at once. */
function interruptions(): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  function onSignal(name: NodeJS.Signals): void {
    if (!controller.signal.aborted) return controller.abort(new Interrupted(name));
    killStacks();
    process.exit(exitCodes.cancelled);
  }
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

// Whoever reads the output may stop reading (`plot jobs | head`); the command ends as it would have.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

if (import.meta.main) {
  process.exitCode = await runCli(process.argv.slice(2));
  setTimeout(() => process.exit(), lingerMs).unref();
}

import { once } from 'node:events';
import { relative } from 'node:path';
import { type ExitCode, exitCodes } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/session.ts';
import { openStack } from '#cli/stack-access.ts';
import type { Provider } from '#cli/stack/children.ts';
import { CliError } from '#cli/cli-error.ts';
import type { StackState } from '#cli/stack/state.ts';

export interface DevOptions {
  readonly provider?: Provider;
  readonly workers: number;
}

/** Runs the stack until it is interrupted. */
export async function dev(options: DevOptions, context: CommandContext): Promise<ExitCode> {
  const { terminal, environment, signal } = context;
  const begunMs = performance.now();
  const stack = await openStack({
    environment: { ...environment, apiUrl: null },
    provider: options.provider ?? null,
    workers: options.workers,
    say: terminal.say,
    signal,
  });
  const state = stack.state();
  if (state === null || !stack.isOwn()) throw alreadyRunning(state);
  const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
  for (const line of readyLines(state, seconds)) terminal.print(line);
  const { provider, api_url, temporal_address, temporal_ui_url, logs } = state;
  terminal.event({ type: 'ready', provider, api_url, temporal_address, temporal_ui_url, logs });
  if (!signal.aborted) await once(signal, 'abort');
  terminal.say(
    'Stopping: answers on the way are brought in (up to 100 s). Ctrl-C again stops at once.',
  );
  await stack.close();
  terminal.say('Stopped. Jobs go on when it starts again.');
  terminal.event({ type: 'result', status: 'stopped' });
  return exitCodes.done;
}

function readyLines(state: StackState, seconds: string): string[] {
  const simulated =
    state.provider === 'simulator'
      ? 'Simulated model: no money is spent.'
      : 'Provider: Amazon Bedrock. Jobs spend money, never more than their limits.';
  return [
    `Plot Palette runs after ${seconds} s. ${simulated}`,
    `  API          ${state.api_url}/docs`,
    ...(state.temporal_ui_url === null ? [] : [`  Temporal UI  ${state.temporal_ui_url}`]),
    `  logs         ${relative(process.cwd(), state.logs)}`,
    '  submit       ./plot run TEMPLATE --seeds FILE --records N --max-usd X   (in another terminal)',
    '  Ctrl-C stops it. Jobs go on when it starts again.',
  ];
}

function alreadyRunning(state: StackState | null): CliError {
  return new CliError({
    code: 'already_running',
    exitCode: exitCodes.error,
    message: `A stack runs on this home already: ${state?.api_url}, process ${state?.supervisor_pid}.`,
    hint: 'Use it, stop it, or set PLOT_HOME to another folder.',
  });
}

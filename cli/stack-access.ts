import { CliError, exitCodes, usageError } from './cli-error.ts';
import type { CliEnvironment } from './environment.ts';
import { pause } from './pause.ts';
import { type LocalStack, startLocalStack } from './local-stack.ts';
import type { Provider } from './stack/children.ts';
import { homePaths } from './stack/home.ts';
import { isLocked } from './stack/lock.ts';
import { readState, type StackState } from './stack/state.ts';

export interface StackWish {
  readonly environment: CliEnvironment;
  /** Null where the person did not say: whoever runs decides. */
  readonly provider: Provider | null;
  readonly workers: number;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A way to an API: one elsewhere, a stack that runs already, or one brought up for this command. */
export interface StackAccess {
  url(): string;
  /** What is known of a local stack; null for an API elsewhere. */
  state(): StackState | null;
  /** Whether the stack ends with this command. */
  isOwn(): boolean;
  /** After a failed request: takes over where the process that ran the stack is gone. */
  revive(): Promise<void>;
  /** Ends the workers of a stack that is this command's own, as `close` ends all of it. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Another command may be starting or stopping its stack: its workers drain for up to 110 s. */
const otherStackMs = 150_000;

/** Finds the way, or makes it. Rejects where no server can be had. */
export async function openStack(wish: StackWish): Promise<StackAccess> {
  const { apiUrl } = wish.environment;
  if (apiUrl !== null) return remoteAccess(apiUrl, wish);
  let own: LocalStack | null = null;
  let running = await findOrStart();

  async function findOrStart(): Promise<StackState> {
    const found = await findOrStartStack(wish);
    own = found.own;
    return found.state;
  }

  return {
    url: () => running.api_url,
    state: () => running,
    isOwn: () => own !== null,
    revive: async () => {
      // Our own children are started again by their supervisor.
      if (own !== null || isHeld(wish)) return;
      wish.say('The stack that ran this job has ended; bringing up another one …');
      running = await findOrStart();
    },
    drain: async () => own?.drain(),
    close: async () => {
      await own?.stop();
      own = null;
    },
  };
}

function remoteAccess(apiUrl: string, wish: StackWish): StackAccess {
  if (wish.provider !== null) {
    throw usageError(
      'provider_elsewhere',
      `--provider is "${wish.provider}", and PLOT_API_URL names a server that has decided that itself.`,
      'Leave out --provider, or unset PLOT_API_URL.',
    );
  }
  return {
    url: () => apiUrl,
    state: () => null,
    isOwn: () => false,
    revive: async () => {},
    close: async () => {},
    drain: async () => {},
  };
}

/** The stack that runs on this home and answers, or null. */
export async function findRunningStack(environment: CliEnvironment): Promise<StackState | null> {
  const paths = homePaths(environment.config.PLOT_HOME);
  const state = readState(paths.state);
  if (state === null || !isLocked(paths.lock)) return null;
  return (await answers(state.api_url)) ? state : null;
}

async function findOrStartStack(
  wish: StackWish,
): Promise<{ readonly own: LocalStack | null; readonly state: StackState }> {
  const deadline = performance.now() + otherStackMs;
  let isWaiting = false;
  while (performance.now() < deadline) {
    const running = await findRunningStack(wish.environment);
    if (running !== null) return { own: null, state: sameProvider(wish, running) };
    const provider = wish.provider ?? wish.environment.config.PLOT_PROVIDER;
    const own = await startLocalStack({ ...wish, provider });
    if (own !== null) return { own, state: own.state() };
    if (!isWaiting) wish.say('Another command has the stack of this home; waiting for it …');
    isWaiting = true;
    await pause(250, wish.signal);
  }
  throw new CliError({
    code: 'stack_busy',
    exitCode: exitCodes.noServer,
    message: `A stack on ${wish.environment.config.PLOT_HOME} is held by another process and does not answer.`,
    hint: 'Look at stack.json there for its supervisor_pid, or use another PLOT_HOME.',
  });
}

/** A job would be answered by somebody else than the person asked for. */
function sameProvider(wish: StackWish, running: StackState): StackState {
  if (wish.provider === null || wish.provider === running.provider) return running;
  throw usageError(
    'other_provider',
    `The stack that runs on ${wish.environment.config.PLOT_HOME} has the provider "${running.provider}"; asked for is "${wish.provider}".`,
    `Stop it (its process is ${running.supervisor_pid}), or set PLOT_HOME to another folder.`,
  );
}

function isHeld({ environment }: StackWish): boolean {
  return isLocked(homePaths(environment.config.PLOT_HOME).lock);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

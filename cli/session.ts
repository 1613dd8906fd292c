import { type ApiClient, createApiClient } from './api-client.ts';
import type { CliEnvironment } from './environment.ts';
import type { Provider } from './stack/children.ts';
import { openStack, type StackAccess } from './stack-access.ts';
import type { Terminal } from './terminal.ts';

/** What every command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: CliEnvironment;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A command that talks to an API. */
export interface Session extends CommandContext {
  readonly client: ApiClient;
  readonly stack: StackAccess;
}

export interface SessionWish {
  readonly provider: Provider | null;
  /** Of a stack that has to be brought up; 0 where jobs are only looked at. */
  readonly workers: number;
}

/** Ctrl-C, or a request to end from elsewhere. */
export class Interrupted extends Error {
  constructor(name: string) {
    super(`interrupted by ${name}`);
    this.name = 'Interrupted';
  }
}

/** Runs the work with an API and ends what was brought up for it, however it goes. */
export async function withSession<Result>(
  context: CommandContext,
  wish: SessionWish,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const { environment, signal, terminal } = context;
  const stack = await openStack({ ...wish, environment, signal, say: terminal.say });
  const client = createApiClient(stack, signal);
  try {
    return await work({ ...context, client, stack });
  } finally {
    terminal.endProgress();
    await stack.close();
  }
}

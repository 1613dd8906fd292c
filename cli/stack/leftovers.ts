import { isAlive, isRunning, signal, untilGone } from './processes.ts';
import { drainMs, lastStopMs } from './guard.ts';
import { type ChildState, readState } from './state.ts';

/**
 * Ends what a stack that was killed has left behind, so that two workers' generations and two databases
 * never meet. Its guard is at it already, and is waited for: asking a draining worker again would cut it short.
 * Call it with the home's lock.
 */
export async function endLeftovers(stateFile: string, say: (text: string) => void): Promise<void> {
  const state = readState(stateFile);
  if (state === null) return;
  const left = () => state.children.filter(({ pid, command }) => isRunning(pid, command));
  if (left().length === 0) return;
  say(`The last stack was cut off; waiting for ${namesOf(left())} to end …`);
  const guard = state.guard_pid;
  if (guard !== null && isAlive(guard)) {
    await untilGone(() => left().length > 0 && isAlive(guard), drainMs + lastStopMs);
  }
  await end(
    left().filter(({ name }) => isService(name)),
    drainMs,
  );
  await end(left(), lastStopMs);
}

async function end(children: readonly ChildState[], timeoutMs: number): Promise<void> {
  const left = () => children.filter(({ pid, command }) => isRunning(pid, command));
  for (const { pid } of left()) signal(pid, 'SIGTERM');
  await untilGone(() => left().length > 0, timeoutMs);
  for (const { pid } of left()) signal(pid, 'SIGKILL');
}

function isService(name: string): boolean {
  return name === 'api' || name.startsWith('worker-');
}

function namesOf(children: readonly ChildState[]): string {
  return children.map(({ name }) => name).join(', ');
}

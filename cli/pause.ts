import { setTimeout as wait } from 'node:timers/promises';

/** Waits; rejects with the signal's own reason, where Node's timers would say AbortError whoever aborted. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

import type { CallGates, Model } from '#bedrock/contract.ts';
import type { Prompts } from '#prompts/contract.ts';
import type { Store } from '#store/contract.ts';

/** Time as the activities see it; tests bring their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go back. */
  monotonic(): number;
  /** RFC 3339. */
  timestamp(): string;
  /** Resolves after the time, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs the action once after the time; the result cancels it. */
  after(ms: number, action: () => void): () => void;
}

/** All that activities need of the world. */
export interface ActivityPorts {
  readonly store: Store;
  readonly prompts: Prompts;
  readonly model: Model;
  readonly gates: CallGates;
  readonly clock: Clock;
  /** Aborts when this worker shall take no new work: on SIGTERM. */
  readonly drain: AbortSignal;
  readonly generator: { readonly name: string; readonly version: string };
}

/** The process's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timestamp: () => new Date().toISOString(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake, { once: true });
    }),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Calls in flight of one job in this process. Each running batch brings its allotment and any batch may
 * use all of it, so that one batch's last slow calls do not idle what others could use; the allotments
 * of all running batches of a job add up to its concurrency, whatever the number of workers.
 */
export interface JobPool {
  /** Waits for a place; rejects when the signal aborts. The returned function gives it back. */
  enter(signal: AbortSignal): Promise<() => void>;
}

export interface JobPools {
  /** Adds a batch's allotment. `leave` resolves once no more calls are in flight than remain allowed. */
  join(jobId: string, allotment: number): { readonly pool: JobPool; leave(): Promise<void> };
}

interface PoolState {
  batches: number;
  capacity: number;
  inUse: number;
  readonly waiting: Set<() => void>;
  readonly leaving: Set<() => void>;
}

export function createJobPools(): JobPools {
  const pools = new Map<string, PoolState>();
  return {
    join(jobId, allotment) {
      const state = pools.get(jobId) ?? emptyPool();
      pools.set(jobId, state);
      state.batches += 1;
      state.capacity += allotment;
      settle(state);
      return {
        pool: { enter: (signal) => enter(state, signal) },
        async leave() {
          state.capacity -= allotment;
          state.batches -= 1;
          if (state.batches === 0) pools.delete(jobId);
          if (state.inUse > state.capacity) {
            await new Promise<void>((resolve) => state.leaving.add(resolve));
          }
        },
      };
    },
  };
}

function emptyPool(): PoolState {
  return { batches: 0, capacity: 0, inUse: 0, waiting: new Set(), leaving: new Set() };
}

function enter(state: PoolState, signal: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const grant = () => {
      signal.removeEventListener('abort', refuse);
      resolve(placeIn(state));
    };
    const refuse = () => {
      state.waiting.delete(grant);
      reject(signal.reason);
    };
    signal.addEventListener('abort', refuse, { once: true });
    state.waiting.add(grant);
    settle(state);
  });
}

function placeIn(state: PoolState): () => void {
  let isGiven = false;
  return () => {
    if (isGiven) return;
    isGiven = true;
    state.inUse -= 1;
    settle(state);
  };
}

/** Lets waiting calls in, in order, and tells leaving batches when nothing of theirs is in use. */
function settle(state: PoolState): void {
  for (const grant of state.waiting) {
    if (state.inUse >= state.capacity) break;
    state.waiting.delete(grant);
    state.inUse += 1;
    grant();
  }
  if (state.inUse > state.capacity) return;
  for (const resolve of state.leaving) resolve();
  state.leaving.clear();
}

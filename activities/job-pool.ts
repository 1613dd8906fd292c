/**
 * Calls in flight of one job in this process. Each running batch brings its allotment and any batch may
 * use all of it, so that one batch's last slow calls do not idle what others could use; the allotments
 * of all running batches of a job add up to its concurrency, whatever the number of workers. At the end of
 * a job, when no batch waits any more, a batch that ends leaves its allotment to the others beside it.
 */
export interface JobPool {
  /** Waits for a place; rejects when the signal aborts. The returned function gives it back. */
  enter(signal: AbortSignal): Promise<() => void>;
}

export interface JobPools {
  /** Adds a batch's allotment; `waiting` is how many batches the job had still to launch behind it. */
  join(jobId: string, allotment: number, waiting: number): PoolMember;
}

export interface PoolMember {
  readonly pool: JobPool;
  /** Takes the allotment away; resolves once no more calls are in flight than remain allowed. */
  leave(): Promise<void>;
  /**
   * Leaves the allotment to the job's other batches in this process, if there are any and no batch
   * waits to be launched with it; otherwise takes it away. Answers whether it was left.
   */
  lendOrLeave(): Promise<boolean>;
}

interface PoolState {
  /** Whether the newest batch that came here was the last one the job had to launch. */
  isLast: boolean;
  batches: number;
  capacity: number;
  inUse: number;
  readonly waiting: Set<() => void>;
  readonly leaving: Set<() => void>;
}

export function createJobPools(): JobPools {
  const pools = new Map<string, PoolState>();
  return {
    join(jobId, allotment, waiting) {
      const state = pools.get(jobId) ?? emptyPool();
      pools.set(jobId, state);
      state.batches += 1;
      state.capacity += allotment;
      state.isLast = waiting === 0;
      settle(state);
      const end = () => {
        state.batches -= 1;
        if (state.batches === 0) pools.delete(jobId);
      };
      const leave = async () => {
        end();
        state.capacity -= allotment;
        if (state.inUse > state.capacity) {
          await new Promise<void>((resolve) => state.leaving.add(resolve));
        }
      };
      return {
        pool: { enter: (signal) => enter(state, signal) },
        leave,
        async lendOrLeave() {
          const isLent = state.isLast && state.batches > 1;
          if (isLent) end();
          else await leave();
          return isLent;
        },
      };
    },
  };
}

function emptyPool(): PoolState {
  return {
    isLast: false,
    batches: 0,
    capacity: 0,
    inUse: 0,
    waiting: new Set(),
    leaving: new Set(),
  };
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

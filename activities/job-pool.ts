/**
 * Calls in flight of one job in this process. Each running batch brings its allotment and any batch may
 * use all of it, so that one batch's last slow calls do not idle what others could use; the allotments
 * of all running batches of a job add up to its concurrency, whatever the number of workers. At the end of
 * a job, when no batch waits any more, a batch that ends leaves its allotment to the others beside it.
 */
export interface JobPool {
  /** Waits for a place; rejects when the signal aborts. The returned function gives it back. */
  enter(order: CallOrder, signal: AbortSignal): Promise<() => void>;
}

/**
 * Calls that continue what was paid for already go before those that begin something new: work ends
 * early, and little of it is under way at any time.
 */
export type CallOrder = 'continue' | 'begin';

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

/** One batch's waiting calls, in order. */
type Queues = Readonly<Record<CallOrder, Set<() => void>>>;

interface PoolState {
  /** Whether the last batch that the job had to launch came here. */
  isLast: boolean;
  capacity: number;
  inUse: number;
  /** Served in turn, so that batches advance side by side; the one served last stands at the end. */
  members: Queues[];
  readonly leaving: Set<() => void>;
}

export function createJobPools(): JobPools {
  const pools = new Map<string, PoolState>();
  return {
    join(jobId, allotment, waiting) {
      const state = pools.get(jobId) ?? emptyPool();
      pools.set(jobId, state);
      const queues = { continue: new Set<() => void>(), begin: new Set<() => void>() };
      state.members.push(queues);
      state.capacity += allotment;
      // Kept: batches do not arrive in the order in which they were launched.
      state.isLast ||= waiting === 0;
      settle(state);
      const end = () => {
        state.members = state.members.filter((member) => member !== queues);
        if (state.members.length === 0) pools.delete(jobId);
      };
      const leave = async () => {
        end();
        state.capacity -= allotment;
        if (state.inUse > state.capacity) {
          await new Promise<void>((resolve) => state.leaving.add(resolve));
        }
      };
      return {
        pool: { enter: (order, signal) => enter(state, queues[order], signal) },
        leave,
        async lendOrLeave() {
          const isLent = state.isLast && state.members.length > 1;
          if (isLent) end();
          else await leave();
          return isLent;
        },
      };
    },
  };
}

function emptyPool(): PoolState {
  return { isLast: false, capacity: 0, inUse: 0, members: [], leaving: new Set() };
}

function enter(state: PoolState, queue: Set<() => void>, signal: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const grant = () => {
      signal.removeEventListener('abort', refuse);
      resolve(placeIn(state));
    };
    const refuse = () => {
      queue.delete(grant);
      reject(signal.reason);
    };
    signal.addEventListener('abort', refuse, { once: true });
    queue.add(grant);
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

/** Lets waiting calls in, a batch at a time, and tells leaving batches when nothing of theirs is in use. */
function settle(state: PoolState): void {
  while (state.inUse < state.capacity) {
    const grant = next(state, 'continue') ?? next(state, 'begin');
    if (grant === null) break;
    state.inUse += 1;
    grant();
  }
  if (state.inUse > state.capacity) return;
  for (const resolve of state.leaving) resolve();
  state.leaving.clear();
}

/** The first call of this order of the batch whose turn it is; that batch goes to the end. */
function next(state: PoolState, order: CallOrder): (() => void) | null {
  const at = state.members.findIndex((member) => member[order].size > 0);
  const [member] = at === -1 ? [] : state.members.splice(at, 1);
  const grant = member?.[order].values().next().value;
  if (member === undefined || grant === undefined) return null;
  member[order].delete(grant);
  state.members.push(member);
  return grant;
}

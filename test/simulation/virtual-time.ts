/** Time that only moves when nothing else is left to do: hours pass in milliseconds, the same way each run. */
export interface VirtualTime {
  nowMs(): number;
  /** Runs the action once after the time; the result cancels it. */
  after(ms: number, action: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /** Moves time from action to action: until `isDone`, until nothing is planned, or until the time. */
  run(isDone: () => boolean, untilMs: number): Promise<'done' | 'idle' | 'late'>;
}

interface Planned {
  readonly atMs: number;
  readonly action: () => void;
  isCancelled: boolean;
}

export function createVirtualTime(startMs: number): VirtualTime {
  let nowMs = startMs;
  /** The next one last; of two at the same time the one planned first comes first. */
  const planned: Planned[] = [];

  function after(ms: number, action: () => void): () => void {
    const entry = { atMs: nowMs + Math.max(ms, 0), action, isCancelled: false };
    let low = 0;
    let high = planned.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((planned[middle]?.atMs ?? 0) > entry.atMs) low = middle + 1;
      else high = middle;
    }
    planned.splice(low, 0, entry);
    return () => void (entry.isCancelled = true);
  }

  async function run(isDone: () => boolean, untilMs: number): Promise<'done' | 'idle' | 'late'> {
    for (;;) {
      await allPromisesTaken();
      if (isDone()) return 'done';
      const next = planned.at(-1);
      if (next === undefined) return 'idle';
      if (next.atMs > untilMs) return 'late';
      planned.pop();
      if (next.isCancelled) continue;
      nowMs = next.atMs;
      next.action();
    }
  }

  return {
    nowMs: () => nowMs,
    after,
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    run,
  };
}

/** The next macrotask comes after every promise that can go on by itself. */
function allPromisesTaken(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The life of one worker process: it runs, stands still, is killed. */
import type { VirtualTime } from './virtual-time.ts';

export interface Life {
  readonly name: string;
  state(): 'running' | 'frozen' | 'dead';
  /** Resolves while the process runs, after a freeze once it is over, and never once it was killed. */
  goOn(): Promise<void>;
  /** Runs the action when the process runs: now, or after the freeze, or never. */
  whenRunning(action: () => void): void;
  kill(): void;
  freeze(ms: number, isMachine: boolean): void;
  /** Milliseconds that its monotonic clock did not count. */
  uncountedMs(): number;
}

export function createLife(time: VirtualTime, name: string): Life {
  let state: 'running' | 'frozen' | 'dead' = 'running';
  let uncountedMs = 0;
  let waiting: (() => void)[] = [];

  function whenRunning(action: () => void): void {
    if (state === 'running') action();
    else if (state === 'frozen') waiting.push(action);
  }

  function thaw(): void {
    if (state !== 'frozen') return;
    state = 'running';
    const actions = waiting;
    waiting = [];
    for (const action of actions) whenRunning(action);
  }

  return {
    name,
    state: () => state,
    goOn: () => new Promise((resolve) => whenRunning(resolve)),
    whenRunning,
    kill() {
      state = 'dead';
      waiting = [];
    },
    freeze(ms, isMachine) {
      if (state !== 'running') return;
      state = 'frozen';
      if (isMachine) uncountedMs += ms;
      time.after(ms, thaw);
    },
    uncountedMs: () => uncountedMs,
  };
}

import type { CallGate, CallGates, Permit } from './contract.ts';
import type { Pass } from './gate-pace.ts';
import { callsAllowed, fullPace, learn, mayProbe, stateOf, withProbing } from './gate-pace.ts';

/** Time as the gates see it; tests bring their own. */
export interface GateClock {
  /** Milliseconds since the epoch that never go back. */
  nowMs(): number;
  /** Runs the action once after the time; the result cancels it. */
  after(ms: number, action: () => void): () => void;
}

export interface CallGateOptions {
  /** Calls to one model at a time, in this process. */
  readonly callsMax: number;
  readonly clock: GateClock;
  /** From 0 on, below 1: spreads the back-off, so that processes do not return together. */
  readonly random: () => number;
}

/** The gate of each model, made when it is first asked for. */
export function createCallGates(options: CallGateOptions): CallGates {
  if (!Number.isSafeInteger(options.callsMax) || options.callsMax < 1) {
    throw new Error(`callsMax is ${options.callsMax}; it must be a whole number from 1 on`);
  }
  const gates = new Map<string, CallGate>();
  return (model) => {
    const gate = gates.get(model) ?? createCallGate(options);
    gates.set(model, gate);
    return gate;
  };
}

/** The process's own clock. Its timers do not keep the process alive. */
export const processClock: GateClock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

interface Waiter {
  readonly grant: (permit: Permit | 'open') => void;
  readonly leave: () => void;
}

function createCallGate({ callsMax, clock, random }: CallGateOptions): CallGate {
  // First come, first served: a set keeps the order of arrival and forgets an aborted waiter at once.
  const waiters = new Set<Waiter>();
  let pace = fullPace(callsMax);
  let inFlight = 0;
  let cancelResume: () => void = () => {};

  function admit(signal: AbortSignal): Promise<Permit | 'open'> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (pace.circuit !== null) return Promise.resolve(admitProbe());
    if (waiters.size === 0 && hasRoom()) return Promise.resolve(createPermit(false));
    return new Promise((grant, reject) => {
      waiters.add(createWaiter(waiters, signal, grant, reject));
      scheduleResume();
    });
  }

  function admitProbe(): Permit | 'open' {
    if (pace.circuit === null || !mayProbe(pace.circuit, clock.nowMs())) return 'open';
    pace = withProbing(pace, true);
    return createPermit(true);
  }

  function hasRoom(): boolean {
    return inFlight < callsAllowed(pace, clock.nowMs());
  }

  function admitWaiters(): void {
    for (const waiter of waiters) {
      if (pace.circuit === null && !hasRoom()) break;
      waiter.leave();
      waiter.grant(pace.circuit === null ? createPermit(false) : 'open');
    }
    scheduleResume();
  }

  function scheduleResume(): void {
    cancelResume();
    const leftMs = pace.resumeAtMs - clock.nowMs();
    cancelResume = waiters.size > 0 && leftMs > 0 ? clock.after(leftMs, admitWaiters) : () => {};
  }

  function createPermit(isProbe: boolean): Permit {
    const pass: Pass = { generation: pace.generation, isProbe };
    let isEnded = false;
    inFlight += 1;
    const end = (learnt: typeof pace) => {
      if (isEnded) throw new Error('a permit was ended twice: how a call ended is told once');
      isEnded = true;
      inFlight -= 1;
      pace = learnt;
      admitWaiters();
    };
    return {
      done: (outcome) =>
        end(learn(pace, outcome, pass, { nowMs: clock.nowMs(), random: random() })),
      release: () => end(isProbe ? withProbing(pace, false) : pace),
    };
  }

  return { admit, state: () => stateOf(pace) };
}

function createWaiter(
  waiters: Set<Waiter>,
  signal: AbortSignal,
  grant: Waiter['grant'],
  reject: (reason: unknown) => void,
): Waiter {
  const onAbort = () => {
    waiters.delete(waiter);
    reject(signal.reason);
  };
  const leave = () => {
    waiters.delete(waiter);
    signal.removeEventListener('abort', onAbort);
  };
  const waiter: Waiter = { grant, leave };
  signal.addEventListener('abort', onAbort, { once: true });
  return waiter;
}

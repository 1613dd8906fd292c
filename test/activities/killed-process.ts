/** A process that is killed at a chosen moment: from then on none of its calls reaches a port. */
import type { ActivityPorts } from '#activities/ports.ts';

/** A call of a port, such as `ledger.execute capture`, and whether it was made already. */
export interface Moment {
  readonly call: string;
  readonly when: 'before' | 'after';
  /** Counts the calls of this name, from 1. */
  readonly nth: number;
}

export interface Killed {
  readonly wrap: (ports: ActivityPorts) => ActivityPorts;
  /** Resolves when the moment has come and what had reached the ports before is done. */
  readonly dead: Promise<void>;
  /** Lets a stalled process go on: every call that was kept back is made now. */
  wake(): void;
}

/** Stalls all ports for ever, or until `wake`, once a call is at the moment. */
export function killedAt(moment: Moment): Killed {
  const gate = createGate(moment);
  return {
    dead: gate.dead,
    wake: gate.wake,
    wrap: (ports) => ({
      ...ports,
      store: {
        ...ports.store,
        ledger: stalled('ledger', ports.store.ledger, gate),
        journal: stalled('journal', ports.store.journal, gate),
        objects: stalled('objects', ports.store.objects, gate),
        jobs: stalled('jobs', ports.store.jobs, gate),
        events: stalled('events', ports.store.events, gate),
      },
      model: { ...ports.model, call: stalledCall('model.call', ports.model.call, gate) },
    }),
  };
}

interface Gate {
  readonly dead: Promise<void>;
  wake(): void;
  /** Resolves at once while the process lives, and not before `wake` once it is dead. */
  pass(call: string, when: Moment['when'], nth: number): Promise<void>;
  /** Does what reaches a port: a killed process is dead for good when none of it is under way. */
  reach<Result>(work: () => Promise<Result>): Promise<Result>;
}

function createGate(moment: Moment): Gate {
  let isDead = false;
  let underWay = 0;
  let kill = (): void => undefined;
  const dead = new Promise<void>((resolve) => (kill = resolve));
  let wake = (): void => undefined;
  const woken = new Promise<void>((resolve) => (wake = resolve));
  return {
    dead,
    wake: () => wake(),
    pass(call, when, nth) {
      if (call === moment.call && when === moment.when && nth === moment.nth) isDead = true;
      if (!isDead) return Promise.resolve();
      if (underWay === 0) kill();
      return woken;
    },
    async reach(work) {
      underWay += 1;
      try {
        return await work();
      } finally {
        underWay -= 1;
        if (isDead && underWay === 0) kill();
      }
    },
  };
}

function stalled<Port extends object>(name: string, port: Port, gate: Gate): Port {
  return new Proxy(port, {
    get(target, method, receiver) {
      const its: unknown = Reflect.get(target, method, receiver);
      if (typeof its !== 'function') return its;
      return stalledCall(`${name}.${String(method)}`, its.bind(target), gate);
    },
  });
}

const counts = new WeakMap<Gate, Map<string, number>>();

function stalledCall<Args extends unknown[], Result>(
  name: string,
  call: (...args: Args) => Promise<Result>,
  gate: Gate,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const kind: unknown =
      typeof args[0] === 'object' && args[0] !== null && Reflect.get(args[0], 'kind');
    const full = typeof kind === 'string' ? `${name} ${kind}` : name;
    const seen = counts.get(gate) ?? new Map<string, number>();
    counts.set(gate, seen);
    const nth = (seen.get(full) ?? 0) + 1;
    seen.set(full, nth);
    await gate.pass(full, 'before', nth);
    const result = await gate.reach(() => call(...args));
    await gate.pass(full, 'after', nth);
    return result;
  };
}

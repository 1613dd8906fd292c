import { join } from 'node:path';

/** Where a laptop's stack keeps what belongs to its processes; the store's files are beside them. */
export interface HomePaths {
  readonly home: string;
  readonly logs: string;
  readonly state: string;
  readonly lock: string;
  readonly ports: string;
  readonly temporalDatabase: string;
  readonly bill: string;
  /** The simulator's model invocation log, by which `plot reconcile` settles lost calls. */
  readonly invocations: string;
}

export function homePaths(home: string): HomePaths {
  return {
    home,
    logs: join(home, 'logs'),
    state: join(home, 'stack.json'),
    lock: join(home, 'stack.lock'),
    ports: join(home, 'ports.json'),
    temporalDatabase: join(home, 'temporal.db'),
    bill: join(home, 'simulator-bill.jsonl'),
    invocations: join(home, 'invocations.jsonl'),
  };
}

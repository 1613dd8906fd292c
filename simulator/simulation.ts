import type { Bill } from './bill.ts';
import type { Faults } from './faults.ts';
import type { InvocationLog } from './invocation-log.ts';
import type { KnobBoard } from './knobs.ts';
import type { RequestLog } from './request-log.ts';
import type { Stats } from './stats.ts';
import type { TokenBuckets } from './token-bucket.ts';

/** Everything that the requests of one simulator share. */
export interface Simulation {
  readonly knobs: KnobBoard;
  readonly faults: Faults;
  readonly stats: Stats;
  readonly buckets: TokenBuckets;
  readonly bill: Bill;
  readonly invocationLog: InvocationLog | null;
  readonly requestLog: RequestLog | null;
  readonly now: () => number;
  /** Never resolves once the simulator is closed: what is not finished by then is neither billed nor answered. */
  readonly wait: (ms: number) => Promise<void>;
  /** Cuts the connections that brought model requests. */
  readonly dropConnections: () => void;
}

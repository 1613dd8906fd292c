/** How hard a run is made, all of it decided by the seed. */
import { type Chance, chanceOf } from './chance.ts';
import { variants } from './workload.ts';

export type Deed =
  | { readonly kind: 'kill' }
  /** The process stands still: stopped, or with its machine, whose monotonic clock stops as well. */
  | { readonly kind: 'freeze'; readonly ms: number; readonly isMachine: boolean }
  | { readonly kind: 'drain' };

/** One deed at the nth time that any worker reaches a boundary, such as `after:ledger.open`. */
export interface PlannedDeed {
  readonly at: string;
  readonly nth: number;
  readonly deed: Deed;
}

export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly kind: 'throttled' | 'unreachable' | 'service-unavailable' | 'quota-exceeded' | 'lost';
}

export interface Conditions {
  readonly seed: number;
  readonly variant: number;
  readonly workers: number;
  /** The account's limit, in worst cases of the whole job. */
  readonly limit: number;
  readonly heartbeatTimeoutMs: number;
  /** Faults happen before this time only; from then on the job must end soon. */
  readonly calmAtMs: number;
  readonly wire: {
    readonly delayMsMax: number;
    /** Of a delay of many seconds. */
    readonly slow: number;
    /** Of an error before the effect, and of one after it. */
    readonly refused: number;
    readonly lost: number;
    /** Whether an append that was rejected may stand and be repeated, or breaks its attempt's file. */
    readonly journal: 'segments' | 'file';
    /** Of a stored byte that is damaged at rest. */
    readonly damage: number;
  };
  readonly deeds: {
    /** Of a deed at each boundary. */
    readonly rate: number;
    readonly kinds: readonly [Deed['kind'], ...Deed['kind'][]];
    readonly planned: readonly PlannedDeed[];
  };
  readonly provider: {
    readonly outages: readonly Outage[];
    readonly lostUnbilled: number;
    readonly lostBilled: number;
    readonly hang: number;
    readonly longLatency: number;
    /** Of an unusable answer to a prompt that would have a usable one. */
    readonly flaky: number;
    /** Of a bill above what the call could cost at worst. */
    readonly breach: number;
  };
  readonly operator: {
    readonly pauseAtMs: number | null;
    readonly cancelAtMs: number | null;
    /** Resolves unknown money by the provider's log, 20 minutes after its hold ended. */
    readonly isReconciling: boolean;
  };
}

/** The same workload with nothing in its way: what every disturbed run is compared with. */
export function undisturbed(variant: number): Conditions {
  return {
    seed: variant,
    variant,
    workers: 1,
    limit: 4,
    heartbeatTimeoutMs: 30_000,
    calmAtMs: 0,
    wire: { delayMsMax: 0, slow: 0, refused: 0, lost: 0, journal: 'file', damage: 0 },
    deeds: { rate: 0, kinds: ['kill'], planned: [] },
    provider: {
      outages: [],
      lostUnbilled: 0,
      lostBilled: 0,
      hang: 0,
      longLatency: 0,
      flaky: 0,
      breach: 0,
    },
    operator: { pauseAtMs: null, cancelAtMs: null, isReconciling: false },
  };
}

const calmAtMs = 10 * 60_000;

/** Everything may go wrong, each kind in some runs only: a fault is seen best without the others. */
export function conditionsOf(seed: number): Conditions {
  const chance = chanceOf(seed, 'conditions');
  const some = (share: number, from: number, to: number) =>
    chance.hits(share) ? chance.between(from, to) : 0;
  return {
    seed,
    variant: chance.whole(0, variants - 1),
    workers: chance.whole(1, 3),
    limit: chance.hits(0.3) ? chance.between(0.15, 1) : 40,
    heartbeatTimeoutMs: chance.pick([10_000, 30_000, 60_000]),
    calmAtMs,
    wire: {
      delayMsMax: chance.pick([0, 5, 50, 500]),
      slow: some(0.3, 0.002, 0.02),
      refused: some(0.4, 0.005, 0.1),
      lost: some(0.4, 0.005, 0.1),
      journal: chance.pick(['file', 'segments']),
      damage: some(0.06, 0.01, 0.1),
    },
    deeds: {
      rate: some(0.7, 0.001, 0.02),
      kinds: chance.pick<Conditions['deeds']['kinds']>([
        ['kill'],
        ['freeze'],
        ['drain'],
        ['kill', 'freeze', 'drain'],
      ]),
      planned: [],
    },
    provider: {
      outages: chance.hits(0.3) ? outagesOf(chance) : [],
      lostUnbilled: some(0.25, 0.02, 0.2),
      lostBilled: some(0.25, 0.02, 0.2),
      hang: some(0.2, 0.01, 0.1),
      longLatency: some(0.3, 0.02, 0.2),
      flaky: some(0.2, 0.02, 0.3),
      breach: some(0.03, 0.02, 0.1),
    },
    operator: {
      pauseAtMs: chance.hits(0.15) ? chance.between(500, 20_000) : null,
      cancelAtMs: chance.hits(0.05) ? chance.between(500, 20_000) : null,
      isReconciling: chance.hits(0.4),
    },
  };
}

function outagesOf(chance: Chance): Outage[] {
  return Array.from({ length: chance.whole(1, 3) }, () => {
    const fromMs = chance.between(0, 30_000);
    const kind = chance.pick<Outage['kind']>([
      'throttled',
      'throttled',
      'unreachable',
      'service-unavailable',
      'quota-exceeded',
      'lost',
    ]);
    return { fromMs, toMs: fromMs + chance.between(500, 90_000), kind };
  });
}

export interface ModelStats {
  readonly requests: number;
  readonly inFlight: number;
  readonly inFlightMax: number;
}

export interface StatsView extends ModelStats {
  readonly byModel: Readonly<Record<string, ModelStats>>;
  /** Answers by HTTP status; `reset` and `gone` are the calls that ended without one. */
  readonly byStatus: Readonly<Record<string, number>>;
}

export type CallEnd = number | 'reset' | 'gone';

export interface Stats {
  /** A call to this model arrived. Returns what ends it; only the first end counts. */
  begin(model: string): (end: CallEnd) => void;
  view(): StatsView;
}

/**
 * Calls in flight now and at most, in all and by model. A call is in flight until its answer is handed to
 * the socket or its client is gone, so a client that keeps to n calls is never seen with n + 1.
 */
export function createStats(): Stats {
  const total = counters();
  const byModel = new Map<string, ReturnType<typeof counters>>();
  const byStatus = new Map<string, number>();

  function modelCounters(model: string) {
    let known = byModel.get(model);
    if (known === undefined) {
      known = counters();
      byModel.set(model, known);
    }
    return known;
  }

  return {
    begin(model) {
      const own = modelCounters(model);
      let isOpen = true;
      start(total);
      start(own);
      return (end) => {
        if (!isOpen) return;
        isOpen = false;
        total.inFlight -= 1;
        own.inFlight -= 1;
        const status = String(end);
        byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      };
    },
    view: () => ({
      ...total,
      byModel: Object.fromEntries([...byModel].map(([model, own]) => [model, { ...own }])),
      byStatus: Object.fromEntries(byStatus),
    }),
  };
}

function counters() {
  return { requests: 0, inFlight: 0, inFlightMax: 0 };
}

function start(counted: ReturnType<typeof counters>): void {
  counted.requests += 1;
  counted.inFlight += 1;
  if (counted.inFlight > counted.inFlightMax) counted.inFlightMax = counted.inFlight;
}

/** One run of the engine under the conditions of a seed, from submission to the last late bill. */
import type { ActivityPorts } from '#activities/ports.ts';
import { newAccount } from '#domain/account.ts';
import { zero } from '#domain/money.ts';
import { evidenceDelayMs } from '#domain/reconcile.ts';
import type { Chance } from './chance.ts';
import { type Conditions, conditionsOf, type Deed, undisturbed } from './conditions.ts';
import { createJudge, judgeBooks, judgePaidAgain, type Violation } from './judge.ts';
import { type Delivered, judgeBytes, judgeExport } from './judge-export.ts';
import { createMemoryStore } from './memory-store.ts';
import { findMoney, operate, reconcile, shareOfWorst } from './operator.ts';
import { createProvider } from './provider.ts';
import { createServer } from './server.ts';
import { createStaff, type Staff } from './staff.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';
import type { World } from './worker.ts';
import { createWorkflow, type Outcome } from './workflow.ts';
import { jobId, workloadOf } from './workload.ts';

export interface Report {
  readonly violations: readonly Violation[];
  readonly outcome: Outcome | 'unfinished';
  readonly delivered: Delivered;
  /** How often each deed and each boundary of a planned deed was reached. */
  readonly fired: ReadonlyMap<string, number>;
  readonly calls: number;
  readonly virtualMs: number;
  readonly trace: readonly string[];
}

export type Mutation = (ports: ActivityPorts, time: VirtualTime) => ActivityPorts;

export interface SimulateOptions {
  readonly mutate?: Mutation;
  readonly isTraced?: boolean;
}

export async function simulateSeed(seed: number, options: SimulateOptions = {}): Promise<Report> {
  return simulate(conditionsOf(seed), options);
}

const startMs = Date.parse('2026-01-01T00:00:00Z');
/** Once nothing new goes wrong, a job ends within this; its own pauses and back-offs are far shorter. */
const livelyMsMax = 60 * 60_000;
/** Sleepers of hours have woken, and the last hanging call was billed. */
const quietMs = 6 * 60 * 60_000;

export async function simulate(
  conditions: Conditions,
  { mutate = (ports) => ports, isTraced = false }: SimulateOptions = {},
): Promise<Report> {
  const workload = workloadOf(conditions.variant);
  const time = createVirtualTime(startMs);
  const store = createMemoryStore(workload);
  const judge = createJudge(store);
  const trace: string[] = [];
  const note = isTraced ? (text: () => string) => void trace.push(line(time, text())) : () => {};
  const provider = createProvider(time, conditions, (bill) => {
    note(() => `bill ${bill.hold}/${bill.call} ${bill.cost}${bill.isLost ? ' lost' : ''}`);
    judge.billed(bill);
  });
  const fired = new Map<string, number>();
  const deedAt = planDeeds(conditions, fired);
  const world: World = {
    time,
    startMs,
    conditions,
    store,
    provider,
    judge,
    deedAt,
    note,
    mutate,
  };
  store.accounts.set(jobId, newAccount(jobId, shareOfWorst(workload, conditions.limit)));
  const workers = createStaff(world);
  const server = createServer(world, workers.list);
  const workflow = createWorkflow(server, workload.plan, (status) => {
    note(() => `job ${status}`);
    if (status === 'budget_exhausted') void findMoney(world, workflow);
  });
  operate(world, workflow);

  let outcome: Outcome | 'unfinished' = 'unfinished';
  void workflow.run().then((its) => (outcome = its));
  await time.run(() => outcome !== 'unfinished', startMs + conditions.calmAtMs + livelyMsMax);
  const endedMs = time.nowMs();
  if (outcome === 'unfinished') {
    judge.blame('liveness', `still ${workflow.status()} after ${endedMs - startMs} ms`);
  }
  await settleAfterwards(world, workers);
  const delivered = deliveredBy(world, outcome);
  judgeBooks(judge, store);
  judgePaidAgain(judge, store);
  await compare(world, outcome, delivered);
  for (const { at, nth } of conditions.deeds.planned) {
    if ((fired.get(at) ?? 0) < nth)
      judge.blame('fired', `${at} was reached ${fired.get(at) ?? 0} times`);
  }
  return {
    violations: judge.violations,
    outcome,
    delivered,
    fired,
    calls: judge.bills.length,
    virtualMs: endedMs - startMs,
    trace,
  };
}

function line(time: VirtualTime, text: string): string {
  return `${((time.nowMs() - startMs) / 1_000).toFixed(3).padStart(10)} s  ${text}`;
}

/** The planned deeds at their places, the others by chance. */
function planDeeds({ deeds }: Conditions, fired: Map<string, number>): World['deedAt'] {
  const places = new Set(deeds.planned.map(({ at }) => at));
  return (boundary, chance, isCalm) => {
    if (places.has(boundary)) {
      const count = (fired.get(boundary) ?? 0) + 1;
      fired.set(boundary, count);
      const planned = deeds.planned.find(({ at, nth }) => at === boundary && nth === count);
      if (planned !== undefined) return planned.deed;
    }
    if (isCalm || !chance.hits(deeds.rate)) return null;
    const deed = deedOf(chance, deeds.kinds);
    fired.set(deed.kind, (fired.get(deed.kind) ?? 0) + 1);
    return deed;
  };
}

function deedOf(chance: Chance, kinds: Conditions['deeds']['kinds']): Deed {
  const kind = chance.pick(kinds);
  if (kind !== 'freeze') return { kind };
  const ms = chance.pick([3_000, 40_000, 4 * 60_000, 25 * 60_000, 2 * 60 * 60_000]);
  return { kind, ms: ms * chance.between(0.5, 1.5), isMachine: chance.hits(0.3) };
}

/** The job has ended; its sleepers have not. Their late answers are recovered, then the books are closed. */
async function settleAfterwards(world: World, workers: Staff): Promise<void> {
  const { time, conditions } = world;
  const settle = async () => {
    const server = createServer(world, () => [workers.hire()]);
    let isDone = false;
    void server.execute('settleAccount', { jobId }).then(() => (isDone = true));
    await time.run(() => isDone, time.nowMs() + livelyMsMax);
  };
  await settle();
  if (conditions.operator.isReconciling) {
    await time.run(() => false, time.nowMs() + evidenceDelayMs);
    await settle();
    let isDone = false;
    void reconcile(world).then(() => (isDone = true));
    await time.run(() => isDone, time.nowMs() + livelyMsMax);
  }
  await time.run(() => false, time.nowMs() + quietMs);
  await settle();
}

function deliveredBy({ judge, store }: World, outcome: Outcome | 'unfinished'): Delivered {
  if (outcome === 'unfinished') return { records: '', failures: '' };
  return judgeExport(judge, store, outcome);
}

const undisturbedResults = new Map<number, Promise<Report>>();

async function compare(
  { conditions, judge, provider }: World,
  outcome: Outcome | 'unfinished',
  delivered: Delivered,
): Promise<void> {
  if (conditions.calmAtMs === 0) return;
  if (outcome === 'failed' && judge.excess() === zero) {
    judge.blame('liveness', 'the job failed, and no bill was above its worst case');
  }
  const { variant } = conditions;
  const before = undisturbedResults.get(variant) ?? simulate(undisturbed(variant));
  undisturbedResults.set(variant, before);
  const isAsUsual = provider.flakyAnswers() === 0 && judge.excess() === zero;
  const areAnswersSame = outcome === 'completed' && isAsUsual;
  judgeBytes(judge, delivered, (await before).delivered, areAnswersSame);
}

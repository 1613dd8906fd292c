/** A stack, jobs on it, and every fault there is, in an order that the seed decides. */
import { strict as assert } from 'node:assert';
import { setTimeout as pause } from 'node:timers/promises';
import { isEnded } from '#cli/job-body.ts';
import { prng, type Prng } from '#domain/prng.ts';
import {
  expectEveryIndexOnce,
  expectExportVerifies,
  expectMoneyAddsUp,
} from '#test/stack/checks.ts';
import { startTestStack, type TestStack } from '#test/stack/stack.ts';
import { faultsAtTheEnd } from './at-the-end.ts';
import { type Chaos, type Fault, faults, well } from './faults.ts';
import { watchMoney } from './watch.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** Rounds of all faults, each in another order, until so much time has passed; 0 for one round. */
  readonly minutes: number;
  /** Those that are planned; all unless given. */
  readonly planned?: readonly string[];
  readonly say: (line: string) => void;
}

export interface ChaosReport {
  /** How often each planned fault fired. */
  readonly fired: Readonly<Record<string, number>>;
  /** How often each invariant was checked. */
  readonly checked: Readonly<Record<string, number>>;
}

export const faultNames = [...Object.keys(faults), ...Object.keys(faultsAtTheEnd)];

/** Rejects with the first thing that did not hold; a planned fault that did not fire is one. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const stack = await startTestStack({
    workers: 2,
    knobs: well,
    // A call that hangs is given up soon, or nothing but waiting would happen.
    variables: { PLOT_CALL_TIMEOUT_MS: '2000' },
  });
  try {
    return await breakAndCheck(stack, options);
  } finally {
    await stack.stop();
  }
}

const jobShape = { records: 300, concurrency: 16 };

async function breakAndCheck(stack: TestStack, options: ChaosOptions): Promise<ChaosReport> {
  const random = prng(options.seed, 0, 'chaos');
  const jobs: string[] = [];
  const chaos: Chaos = {
    stack,
    random,
    sleepMs: options.minutes > 0 ? 20_000 : 4_000,
    async job() {
      const last = jobs.at(-1);
      if (last !== undefined && !isEnded((await stack.api.job(last)).status)) return last;
      const { id } = await stack.submit({ ...jobShape, job_seed: jobs.length });
      jobs.push(id);
      return id;
    },
  };
  const watch = watchMoney(stack, () => jobs.at(-1) ?? null);
  const fired: Record<string, number> = {};
  const deadline = performance.now() + options.minutes * 60_000;
  do {
    await fireRound(chaos, options, fired);
    // Nothing is wrong any more, so every job ends by itself.
    await stack.knobs(well);
    for (const id of jobs) await stack.untilEnded(id);
  } while (performance.now() < deadline);
  const compared = await watch.stop();
  assert(compared > 0, 'bill and ledger were never compared');
  for (const id of jobs) await expectWhole(stack, id);
  for (const [name, fault] of planned(faultsAtTheEnd, options, random)) {
    await fire(chaos, { name, fault }, options, fired);
  }
  const checked = {
    'bill <= spent + held + unknown <= limit': compared,
    'a job that ended: every index once, sums, plot verify': jobs.length,
  };
  return { fired, checked };
}

/** Between two faults: long enough for work to be under way, short enough to meet the last one's end. */
const betweenMs = { least: 200, more: 1_300 };

async function fireRound(
  chaos: Chaos,
  options: ChaosOptions,
  fired: Record<string, number>,
): Promise<void> {
  for (const [name, fault] of planned(faults, options, chaos.random)) {
    await fire(chaos, { name, fault }, options, fired);
    await pause(betweenMs.least + chaos.random.below(betweenMs.more));
  }
}

async function fire(
  chaos: Chaos,
  { name, fault }: { readonly name: string; readonly fault: Fault },
  { seed, say }: ChaosOptions,
  fired: Record<string, number>,
): Promise<void> {
  try {
    say(`${name}: ${await fault(chaos)}`);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${name}: ${String(cause)}`, { cause });
  }
  fired[name] = (fired[name] ?? 0) + 1;
}

/** The planned ones of these faults, shuffled. */
function planned(
  all: Readonly<Record<string, Fault>>,
  options: ChaosOptions,
  random: Prng,
): (readonly [string, Fault])[] {
  const entries = Object.entries(all).filter(([name]) => options.planned?.includes(name) ?? true);
  const keyed = entries.map((entry) => ({ entry, key: random.next() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ entry }) => entry);
}

async function expectWhole(stack: TestStack, id: string): Promise<void> {
  const job = await stack.api.job(id);
  assert.equal(job.status, 'completed', JSON.stringify(job));
  await expectEveryIndexOnce(stack, job);
  await expectMoneyAddsUp(stack, job);
  await expectExportVerifies(stack, job);
}

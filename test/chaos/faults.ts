/** Everything that goes wrong while a job runs. Each fault answers what it did, once it has done it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { projectFile } from '#cli/environment.ts';
import type { Prng } from '#domain/prng.ts';
import type { FaultKind } from '#simulator/knobs.ts';
import type { ChildName, TestStack } from '#test/stack/stack.ts';
import { cutEnd, flipBit, journalsInUse, partFiles } from './damage.ts';

export interface Chaos {
  readonly stack: TestStack;
  readonly random: Prng;
  /** How long a worker sleeps: past its heartbeat's time-out. */
  readonly sleepMs: number;
  /** The job that runs now; a new one where the last has ended. */
  job(): Promise<string>;
}

export type Fault = (chaos: Chaos) => Promise<string>;

/** A fault that finds nothing to break within this time has not fired. */
const boundMs = 60_000;

export const faults: Readonly<Record<string, Fault>> = {
  'worker killed': (chaos) => killed(chaos, oneOf(chaos, workers)),
  'both workers killed': (chaos) => killed(chaos, 'worker'),
  'Temporal killed': (chaos) => killed(chaos, 'temporal'),
  'API killed': (chaos) => killed(chaos, 'api'),
  'provider killed': (chaos) => killed(chaos, 'simulator'),
  'worker drained': async (chaos) => `${await signalled(chaos, oneOf(chaos, workers), 'SIGTERM')}`,
  'worker asleep': asleep,
  'throttle storm': (chaos) => storm(chaos, { throttle: 0.9 }, 2_000),
  'lost answers': (chaos) =>
    storm(chaos, { resetBeforeBilling: 0.1, resetAfterBilling: 0.1, hang: 0.05, hangBilled: 0.05 }),
  'broken answers': (chaos) =>
    storm(chaos, {
      malformedBody: 0.1,
      truncatedBody: 0.1,
      serverErrorBilled: 0.05,
      serverError: 0.05,
    }),
  'useless answers': (chaos) =>
    storm(chaos, { emptyAnswer: 0.1, maxTokens: 0.1, malformedModelOutput: 0.1 }),
  'journal: bit flipped': (chaos) => damagedJournal(chaos, flipBit),
  'journal: end lost': (chaos) => damagedJournal(chaos, cutEnd),
  'part: bit flipped': (chaos) => damagedPart(chaos, flipBit),
  'part: end lost': (chaos) => damagedPart(chaos, cutEnd),
  'disk full': diskFull,
  'clock moved by an hour': movedClock,
};

const workers: readonly ChildName[] = ['worker-1', 'worker-2'];

function oneOf<Item>({ random }: Chaos, items: readonly Item[]): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}

/** Tries until it has worked: a process that was killed a moment ago is about to be back. */
async function eventually<Value>(
  what: string,
  attempt: () => Promise<Value | null>,
): Promise<Value> {
  const deadline = Date.now() + boundMs;
  for (;;) {
    const value = await attempt();
    if (value !== null) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${boundMs} ms`);
    await pause(50);
  }
}

async function signalled(chaos: Chaos, name: ChildName, signal: NodeJS.Signals): Promise<string> {
  await chaos.job();
  return await eventually(`${signal} of ${name}`, async () => {
    const count = chaos.stack.signal(name, signal);
    return count === 0 ? null : `${signal} of ${count} ${name}`;
  });
}

function killed(chaos: Chaos, name: ChildName): Promise<string> {
  return signalled(chaos, name, 'SIGKILL');
}

async function asleep(chaos: Chaos): Promise<string> {
  const worker = oneOf(chaos, workers);
  const did = await signalled(chaos, worker, 'SIGSTOP');
  await pause(chaos.sleepMs);
  chaos.stack.signal(worker, 'SIGCONT');
  return `${did} for ${chaos.sleepMs} ms`;
}

/** Over when each of its kinds has hit a call, however long that takes. */
async function storm(
  chaos: Chaos,
  probabilities: Partial<Record<FaultKind, number>>,
  forMs = 0,
): Promise<string> {
  const { stack } = chaos;
  const seed = chaos.random.below(2 ** 32);
  await stack.knobs({ ...well, seed, faults: probabilities });
  const before = await stack.faults();
  const kinds = Object.keys(probabilities);
  const hits = await eventually(kinds.join(', '), async () => {
    // A job that has ended makes no calls for the storm to hit.
    await chaos.job();
    const fired = await stack.faults();
    const each = kinds.map((kind) => `${(fired[kind] ?? 0) - (before[kind] ?? 0)} ${kind}`);
    return each.some((text) => text.startsWith('0 ')) ? null : each;
  });
  await pause(forMs);
  await stack.knobs({ ...well, seed });
  return hits.join(', ');
}

/** What the provider is like when nothing is wrong with it. */
export const well = { latency: { ms: 40, jitterMs: 60 } };

async function damagedJournal(chaos: Chaos, damage: typeof flipBit): Promise<string> {
  const { home } = chaos.stack;
  const did = await eventually('a journal in use', async () => {
    const files = journalsInUse(home, await chaos.job());
    return files.length === 0 ? null : damage(oneOf(chaos, files), chaos.random);
  });
  // A journal is read again by the next attempt.
  chaos.stack.signal('worker', 'SIGKILL');
  return did;
}

async function damagedPart(chaos: Chaos, damage: typeof flipBit): Promise<string> {
  const { home } = chaos.stack;
  return await eventually('a part', async () => {
    const files = partFiles(home, await chaos.job());
    return files.length === 0 ? null : damage(oneOf(chaos, files), chaos.random);
  });
}

/** The only worker that is awake can write no file beyond 32 KiB: neither its journal nor the ledger grows. */
async function diskFull(chaos: Chaos): Promise<string> {
  return await withOnlyWorker(chaos, { fileBlocksMax: 32 }, async (log) =>
    eventually('a failed write', async () => {
      await chaos.job();
      return /EFBIG|ENOSPC|disk I\/O|is full/.exec(log())?.[0] ?? null;
    }),
  );
}

async function movedClock(chaos: Chaos): Promise<string> {
  const preload = projectFile('test', 'chaos', 'moving-clock.mjs');
  const seen: string[] = [];
  return await withOnlyWorker(chaos, { preload }, async () => {
    for (const hour of ['+1 h', '-1 h', 'right again']) {
      chaos.stack.signal('worker-9', 'SIGUSR2');
      const before = await chaos.job();
      const { calls: callsBefore } = await chaos.stack.billed(before);
      const calls = await eventually(`a call at ${hour}`, async () => {
        const job = await chaos.job();
        const billed = (await chaos.stack.billed(job)).calls;
        return (job === before ? billed - callsBefore : billed) || null;
      });
      seen.push(`${calls} calls at ${hour}`);
    }
    return seen.join(', ');
  });
}

/**
 * A worker with something wrong does all the work: the stack's own are killed whenever they are back. Not
 * put to sleep, because the server hands tasks to sleepers, each of which then waits for a time-out.
 */
async function withOnlyWorker(
  { stack }: Chaos,
  extra: { readonly fileBlocksMax?: number; readonly preload?: string },
  work: (log: () => string) => Promise<string>,
): Promise<string> {
  const child = stack.addWorker(extra);
  await child.ready;
  const keepAway = setInterval(() => {
    for (const worker of workers) stack.signal(worker, 'SIGKILL');
  }, 100);
  const file = join(stack.home, 'logs', 'worker-9.log');
  const from = readFileSync(file, 'utf8').length;
  try {
    return await work(() => readFileSync(file, 'utf8').slice(from));
  } finally {
    clearInterval(keepAway);
    await child.stop(10_000);
  }
}

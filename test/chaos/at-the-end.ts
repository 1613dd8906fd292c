/** Faults that need a job of their own, or one that has ended. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { usd } from '#domain/money.ts';
import { downloadAll, expectEveryIndexOnce, expectMoneyAddsUp } from '#test/stack/checks.ts';
import { verifyFolder } from '#cli/verify.ts';
import { cutEnd, exportedFile, flipBit } from './damage.ts';
import { type Chaos, type Fault, well } from './faults.ts';

export const faultsAtTheEnd: Readonly<Record<string, Fault>> = {
  'manifest: bit flipped': (chaos) => damagedManifest(chaos, flipBit),
  'manifest: end lost': (chaos) => damagedManifest(chaos, cutEnd),
  'seed chunk: bit flipped': (chaos) => damagedSeeds(chaos, flipBit),
  'seed chunk: end lost': (chaos) => damagedSeeds(chaos, cutEnd),
  'usage above the bound': breach,
};

/** Whoever verifies what was downloaded sees the damage. */
async function damagedManifest(chaos: Chaos, damage: typeof flipBit): Promise<string> {
  const { stack, random } = chaos;
  const { id } = await stack.submit({ records: 10 });
  const job = await stack.untilEnded(id);
  const file = exportedFile(stack.home, id, 'manifest.json');
  const sound = readFileSync(file);
  const did = damage(file, random);
  const refused = await seen(async () => verifyFolder(await downloadAll(stack, job)));
  assert(refused !== null, `${did}: the download was verified`);
  writeFileSync(file, sound);
  await verifyFolder(await downloadAll(stack, job));
  return `${did}: ${refused.slice(0, 80)}`;
}

async function seen(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The job makes nothing of rows that nobody imported; it goes on when they are imported again. */
async function damagedSeeds({ stack, random }: Chaos, damage: typeof flipBit): Promise<string> {
  const rows = Array.from({ length: 30 }, (_, row) => ({
    Title: `Film ${random.below(1e9)}-${row}`,
  }));
  const file = join(stack.home, `rows-${random.below(2 ** 32)}.json`);
  writeFileSync(file, JSON.stringify(rows));
  const folder = join(stack.home, 'objects', 'seeds');
  const before = new Set(readdirSync(folder));
  const seeds = await stack.api.putSeeds(file, 'json');
  const chunk = readdirSync(folder).find((name) => !before.has(name));
  assert(chunk !== undefined, 'the rows were stored as no new chunk');
  const { id } = await stack.submit({ seeds: seeds.id, records: 30 });
  await stack.api.control(id, 'pause');
  await stack.until(id, ({ status }) => status === 'paused');
  const did = damage(join(folder, chunk), random);
  // Workers keep the chunks that they have read; new ones read again.
  stack.signal('worker', 'SIGKILL');
  await stack.api.control(id, 'resume');
  await untilLogged(stack.home, `Seed chunk seeds/${chunk}`);
  await stack.api.putSeeds(file, 'json');
  const job = await stack.untilEnded(id);
  assert.equal(job.status, 'completed');
  await expectEveryIndexOnce(stack, job);
  await expectMoneyAddsUp(stack, job);
  return did;
}

const logBoundMs = 60_000;

async function untilLogged(home: string, text: string): Promise<void> {
  const deadline = Date.now() + logBoundMs;
  const logs = ['worker-1.log', 'worker-2.log'].map((name) => join(home, 'logs', name));
  while (!logs.some((log) => readFileSync(log, 'utf8').includes(text))) {
    assert(Date.now() < deadline, `no worker has said "${text}"`);
    await pause(100);
  }
}

/** Billed beyond what a call could cost: told in full, and nothing more is sent. */
async function breach({ stack }: Chaos): Promise<string> {
  await stack.knobs({ ...well, faults: { usageAboveBound: 1 } });
  const { id } = await stack.submit({ records: 100, concurrency: 8 });
  const job = await stack.untilEnded(id);
  await stack.knobs(well);
  assert.equal(job.status, 'failed');
  assert.equal(job.failure?.kind, 'breach');
  const { calls, pico } = await stack.billed(id);
  assert.equal(pico, usd(job.cost.spent));
  assert(calls < 100, `${calls} calls were sent by an account that is frozen`);
  return `${calls} calls billed $${job.cost.spent}`;
}

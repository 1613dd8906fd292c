/**
 * Writes as a worker does until it is killed or the disk is full: journal entries, captures, progress and
 * events. Prints a line for everything that was acknowledged. Arguments: home, batch, how many rounds.
 */
import { writeSync } from 'node:fs';
import { pico } from '#domain/money.ts';
import type { Store } from '#store/contract.ts';
import { openLocalStore } from '#store/local-store.ts';
import { journalEntry } from '#test/store/conformance/journal.ts';

const [home = '', batch = '', rounds = '0'] = process.argv.slice(2);
const at = '2026-01-02T03:04:05.678Z';
const one = pico(1n);
const none = pico(0n);

/** Written at once: a line that waits in a buffer would be lost by the kill. */
function acknowledge(what: string, number: number): void {
  writeSync(1, `${what} ${number}\n`);
}

async function work(store: Store): Promise<void> {
  const { ledger, journal, jobs, events, objects } = store;
  const wanted = pico(100_000n);
  const opened = await ledger.execute({
    kind: 'open',
    account: 'job',
    batch,
    wanted,
    least: one,
    at,
  });
  if (opened.kind === 'refused' || opened.hold === null) throw new Error('the hold was refused');
  const { id, ordinal } = opened.hold;
  const attempt = { jobId: 'job', batch, ordinal };
  for (let seq = 1; seq <= Number(rounds); seq += 1) {
    await Promise.all(
      [2 * seq - 2, 2 * seq - 1].map(async (record) => {
        await journal.append(attempt, [journalEntry(record)]);
        acknowledge('journal', record);
      }),
    );
    const cost = { entries: 2, cost: one, excess: none, topUp: none };
    await ledger.execute({ kind: 'capture', hold: id, seq, ...cost });
    acknowledge('capture', seq);
    await jobs.recordBatch('job', batch, { accepted: seq, rejected: 0, failed: 0, calls: 2 * seq });
    acknowledge('progress', seq);
    const event = await events.append('job', { at, type: batch, data: { seq } });
    acknowledge('event', event.seq);
    await objects.putIfAbsent(`parts/${batch}/${seq}`, Buffer.from('x'.repeat(5000)));
    acknowledge('part', seq);
  }
}

const store = await openLocalStore({ home });
try {
  await work(store);
  acknowledge('finished', 0);
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  writeSync(1, `stopped ${code}\n`);
}
await store.close();

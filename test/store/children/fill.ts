/**
 * Writes one thing until the disk is full and prints what was acknowledged, then the error's code, then
 * what is left standing. Arguments: home, what to write.
 */
import { writeSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { JournalEntry } from '#store/contract.ts';
import { openLocalStore } from '#store/local-store.ts';
import { journalEntry } from '#test/store/conformance/journal.ts';

const [home = '', what = ''] = process.argv.slice(2);
const store = await openLocalStore({ home });
const big = Buffer.alloc(300 * 1024, 'x');

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'none';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

async function writePieces(): Promise<void> {
  const writer = await store.objects.write('a/b');
  await writer.write(big.subarray(0, 1024));
  await writer.write(big);
  await writer.commit();
}

async function fillJournal(): Promise<void> {
  const attempt = { jobId: 'job', batch: '0', ordinal: 1 };
  const append = (...entries: JournalEntry[]) =>
    codeOf(() => store.journal.append(attempt, entries));
  const codes = [
    await append(journalEntry(0)),
    // The small ones are written before the limit is met, and must not stand behind the next entry.
    await append(journalEntry(1), journalEntry(2), journalEntry(3, 'y'.repeat(300 * 1024))),
    await append(journalEntry(4)),
  ];
  writeSync(1, `${codes.join(' ')}\n`);
}

async function main(): Promise<void> {
  if (what === 'journal') return fillJournal();
  await store.objects.put('a/b', Buffer.from('old'));
  const writes: Record<string, () => Promise<unknown>> = {
    put: () => store.objects.put('a/b', big),
    putIfAbsent: () => store.objects.putIfAbsent('a/c', big),
    write: writePieces,
  };
  writeSync(1, `${await codeOf(async () => writes[what]?.())}\n`);
  writeSync(1, `${(await readdir(`${home}/objects/a`)).join(' ')}\n`);
}

await main();
await store.close();

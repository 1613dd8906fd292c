import { open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '#store/contract.ts';
import { createJournal, type FileJournal } from '#store/files/journal.ts';
import { createFolders } from '#store/files/folders.ts';
import { createJournalWriter } from '#store/files/journal-writer.ts';
import { journalEntry } from '#test/store/conformance/journal.ts';
import { makeLocalPlace } from '#test/store/local-place.ts';

const attempt = { jobId: 'job', batch: '0', ordinal: 1 };
const entries = [0, 1, 2, 3].map((record) => journalEntry(record, `text ${record} \u2028`));

describe('a damaged journal', () => {
  it('every entry keeps its place and none is altered, when any one bit of the file is flipped', () =>
    inJournal(async (journal, root) => {
      const path = join(root, 'job/0/1.jsonl');
      const sound = await writeEntries(journal, path);
      for (let at = 0; at < sound.length; at += 1) {
        const damaged = Buffer.from(sound);
        damaged.writeUInt8(sound.readUInt8(at) ^ (1 << (at % 8)), at);
        await writeFile(path, damaged);
        const read = await readEntries(journal);
        expectInPlace(read, at);
        expect(read).not.toEqual(entries);
      }
    }));

  it('the entries before the end stand and the torn one is left out, when it is cut anywhere', () =>
    inJournal(async (journal, root) => {
      const path = join(root, 'job/0/1.jsonl');
      const sound = await writeEntries(journal, path);
      for (let size = sound.length - 1; size >= 0; size -= 1) {
        await truncate(path, size);
        const whole = sound.subarray(0, size).filter((byte) => byte === 0x0a).length;
        expect(await readEntries(journal)).toEqual(entries.slice(0, whole));
      }
    }));

  it.each([
    { what: 'a line break is lost between two', from: '\n', to: ' ', corrupt: [0, 1] },
    { what: 'an entry is torn in two', from: 'text 0', to: 'tex\n 0', corrupt: [0] },
  ])('the places of the entries after it stand, when $what', ({ from, to, corrupt }) =>
    inJournal(async (journal, root) => {
      const path = join(root, 'job/0/1.jsonl');
      const text = (await writeEntries(journal, path)).toString();
      await writeFile(path, text.replace(from, to));
      const expected = entries.map((entry, place) => (corrupt.includes(place) ? 'corrupt' : entry));
      expect(await readEntries(journal)).toEqual(expected);
    }),
  );

  it('entries are corrupt, not a crash, when another version wrote other fields', () =>
    inJournal(async (journal, root) => {
      const other = { ...journalEntry(1), added: true };
      await journal.append(attempt, [journalEntry(0), other, journalEntry(2)]);
      expect(await readdir(join(root, 'job/0'))).toEqual(['1.jsonl']);
      expect(await readEntries(journal)).toEqual([journalEntry(0), 'corrupt', journalEntry(2)]);
    }));
});

describe('a writer', () => {
  it('the next append is written, when it comes in the very turn that the one before ended', () =>
    inJournal(async (journal, root) => {
      const writer = createJournalWriter(join(root, 'job/0/1.jsonl'), createFolders(root));
      for (const entry of entries) await writer.append([entry]);
      await writer.rest();
      expect(await readEntries(journal)).toEqual(entries);
    }));
});

describe('many attempts', () => {
  it('each goes on where it was, when more are written than files may be open', () =>
    inJournal(async (journal) => {
      const ordinals = Array.from({ length: 300 }, (_, index) => index + 1);
      for (const record of [0, 1, 2]) {
        await Promise.all(
          ordinals.map((ordinal) =>
            journal.append({ ...attempt, ordinal }, [journalEntry(record)]),
          ),
        );
        // One after the other: all but the newest are idle, and their files are closed.
        await journal.append({ ...attempt, ordinal: 1000 + record }, [journalEntry(0)]);
        expect(await openFiles()).toBeLessThan(256 + 50);
      }
      const read = await journal.read('job', '0');
      const threeEntries = [journalEntry(0), journalEntry(1), journalEntry(2)];
      expect(read.slice(0, 300)).toEqual(
        ordinals.map((ordinal) => ({ ordinal, entries: threeEntries })),
      );
    }));

  it('an append is refused, when somebody else wrote to the file while it was closed', () =>
    inJournal(async (journal, root) => {
      await journal.append(attempt, [journalEntry(0)]);
      for (let ordinal = 2; ordinal <= 300; ordinal += 1) {
        await journal.append({ ...attempt, ordinal }, [journalEntry(0)]);
      }
      const file = await open(join(root, 'job/0/1.jsonl'), 'a');
      await file.write('x');
      await file.close();
      await expect(journal.append(attempt, [journalEntry(1)])).rejects.toThrow('one writer');
    }));
});

/** Entries that are read are those that were written there; the flipped one alone may be lost. */
function expectInPlace(read: readonly (JournalEntry | 'corrupt')[], at: number): void {
  const places = read.map((entry, place) => (entry === 'corrupt' ? entry : entries[place]));
  expect(read, `bit flipped in byte ${at}`).toEqual(places);
  const lost = entries.length - read.filter((entry) => entry !== 'corrupt').length;
  expect(lost, `bit flipped in byte ${at}`).toBeLessThanOrEqual(2);
}

async function writeEntries(journal: FileJournal, path: string): Promise<Buffer> {
  await journal.append(attempt, entries);
  return readFile(path);
}

async function readEntries(journal: FileJournal) {
  const attempts = await journal.read('job', '0');
  return attempts[0]?.entries ?? [];
}

async function openFiles(): Promise<number> {
  return process.platform === 'linux' ? (await readdir('/proc/self/fd')).length : 0;
}

async function inJournal(
  body: (journal: FileJournal, root: string) => Promise<void>,
): Promise<void> {
  const place = await makeLocalPlace();
  const journal = createJournal(place.home);
  try {
    await body(journal, place.home);
  } finally {
    await journal.close();
    await place.remove();
  }
}

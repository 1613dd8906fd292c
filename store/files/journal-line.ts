import { hash } from 'node:crypto';
import { assert } from '#domain/assert.ts';
import type { JournalEntry } from '#store/contract.ts';
import { journalEntrySchema } from '#store/schemas.ts';

const digestLength = 64;
const newline = 0x0a;

/**
 * One line: `<SHA-256 of the rest> <place> <JSON>\n`. The place counts the file's entries from 0 and is
 * inside the digest: damage that eats or makes a line break cannot move the entries after it.
 */
export function toLine(entry: JournalEntry, place: number): string {
  const body = `${place} ${JSON.stringify(entry)}`;
  return `${hash('sha256', body, 'hex')} ${body}\n`;
}

/**
 * The entries in their places, `corrupt` where the digest does not match. A last line without a line
 * break is a write that was cut off before it was acknowledged: it is left out.
 */
export async function parseLines(
  pieces: AsyncIterable<Uint8Array>,
): Promise<(JournalEntry | 'corrupt')[]> {
  const entries: (JournalEntry | 'corrupt')[] = [];
  let corruptLines = 0;
  for await (const line of linesOf(pieces)) {
    const parsed = parseLine(line);
    if (parsed === 'corrupt') {
      corruptLines += 1;
      continue;
    }
    assert(parsed.place >= entries.length, `a journal has two entries in place ${parsed.place}`);
    while (entries.length < parsed.place) entries.push('corrupt');
    entries.push(parsed.entry);
    corruptLines = 0;
  }
  // Damage at the end has no sound entry after it that tells its places: each line counts for one.
  for (; corruptLines > 0; corruptLines -= 1) entries.push('corrupt');
  return entries;
}

/** Lines without their line break; each byte is looked at once and copied at most twice. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let begun: Uint8Array[] = [];
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline, from)) {
      yield Buffer.concat([...begun, piece.subarray(from, end)]);
      begun = [];
      from = end + 1;
    }
    if (from < piece.length) begun.push(piece.subarray(from));
  }
}

function parseLine(line: Buffer): { place: number; entry: JournalEntry } | 'corrupt' {
  const body = line.subarray(digestLength + 1);
  const digest = line.toString('latin1', 0, digestLength);
  if (line[digestLength] !== 0x20 || hash('sha256', body, 'hex') !== digest) return 'corrupt';
  const text = body.toString();
  const space = text.indexOf(' ');
  // The digest matches, so this is what was written; another version's entry is not usable here.
  const entry = journalEntrySchema.safeParse(JSON.parse(text.slice(space + 1)));
  if (!entry.success) return 'corrupt';
  return { place: Number(text.slice(0, space)), entry: entry.data };
}

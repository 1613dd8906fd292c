import { SeedRefusal } from './refusal.ts';

/** The text of one row while its pieces arrive: the only text that a splitter keeps, and it is bounded. */
export interface HeldText {
  /** Keeps text of the row that begins on `line`. */
  add(text: string, line: number): void;
  /** Counts characters of the row that are not kept, such as a comma. */
  count(characters: number, line: number): void;
  /** The text since the last cut; the row goes on. */
  cut(): string;
  /** The text since the last cut; the row is over. */
  take(): string;
}

/**
 * Holds at most `rowBytesMax` characters and refuses the row beyond. A character is one byte or more, so
 * this never refuses a row that the exact count of its bytes would allow.
 */
export function createHeldText(rowBytesMax: number): HeldText {
  let pieces: string[] = [];
  let length = 0;

  function add(text: string, line: number): void {
    if (text === '') return;
    count(text.length, line);
    pieces.push(text);
  }

  function count(characters: number, line: number): void {
    length += characters;
    if (length <= rowBytesMax) return;
    throw new SeedRefusal(
      line,
      `The row that begins on this line is over ${rowBytesMax} bytes, which is the most allowed. ` +
        'Shorten it, or check that the format and the quotes are as meant.',
    );
  }

  function cut(): string {
    const text = pieces.length === 1 ? (pieces[0] ?? '') : pieces.join('');
    pieces = [];
    return text;
  }

  function take(): string {
    length = 0;
    return cut();
  }

  return { add, count, cut, take };
}

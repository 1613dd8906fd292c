import { createHeldText } from './held-text.ts';

/** The text of one row and the line it begins on, 1-based. */
export interface RowText {
  readonly line: number;
  readonly text: string;
}

/** Cuts text that arrives in pieces into rows, synchronously: it reads no further than its consumer asks. */
export interface Splitter<Row> {
  push(piece: string): Iterable<Row>;
  /** The rows that the end of the text completes. */
  end(): Iterable<Row>;
}

/** JSON Lines: each line is a row; blank lines count as lines and are skipped. */
export function createLineSplitter(rowBytesMax: number): Splitter<RowText> {
  const held = createHeldText(rowBytesMax);
  let line = 1;

  function* push(piece: string): Generator<RowText> {
    let start = 0;
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', start)) {
      held.add(piece.slice(start, end), line);
      start = end + 1;
      yield* takeRow();
      line += 1;
    }
    held.add(piece.slice(start), line);
  }

  function* takeRow(): Generator<RowText> {
    const text = held.take();
    // The carriage return of a CRLF ending is white space to JSON, so it needs no cutting off.
    if (!/^[ \t\r]*$/.test(text)) yield { line, text };
  }

  return { push, end: takeRow };
}

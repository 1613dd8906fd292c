import { createHeldText } from './held-text.ts';
import { SeedRefusal, shown } from './refusal.ts';
import type { Splitter } from './split-lines.ts';

/** The cells of one CSV record and the line it begins on, 1-based. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Where in a cell the text is; `closed` follows a quote that ends the cell or is the first of a pair. */
type Place = 'start' | 'plain' | 'quoted' | 'closed';

/**
 * CSV as RFC 4180 has it: commas, cells in double quotes with doubled quotes inside, records ended by CRLF,
 * LF or CR. Lines with nothing on them are skipped. A quote inside a plain cell and text after a closing quote are
 * refused: what was meant cannot be known, and the records after it would be guesses.
 */
export function createCsvSplitter(rowBytesMax: number): Splitter<CsvRecord> {
  const held = createHeldText(rowBytesMax);
  let cells: string[] = [];
  let place: Place = 'start';
  let line = 1;
  let recordLine = 1;
  let isAfterReturn = false;

  function* push(piece: string): Generator<CsvRecord> {
    let at = 0;
    while (at < piece.length) {
      const end = endOfRun(piece, at, place);
      if (end > at) {
        readRun(piece.slice(at, end));
        at = end;
      } else {
        yield* readMark(piece.charAt(at));
        at += 1;
      }
    }
  }

  function readRun(text: string): void {
    if (place === 'closed') throw textAfterQuote(line, text);
    if (place === 'start') place = 'plain';
    isAfterReturn = false;
    held.add(text, recordLine);
  }

  function* readMark(mark: string): Generator<CsvRecord> {
    const isLineEnd = mark === '\n' || mark === '\r';
    // The two characters of a CRLF are one line end: the first has done everything.
    const isSecondOfCrlf = isAfterReturn && mark === '\n';
    isAfterReturn = mark === '\r';
    if (isLineEnd && !isSecondOfCrlf) line += 1;
    if (place === 'quoted' && mark !== '"') held.add(mark, recordLine);
    else if (mark === '"') readQuote();
    else if (mark === ',') endCell();
    else if (!isSecondOfCrlf) yield* endRecord();
  }

  function readQuote(): void {
    if (place === 'plain') throw quoteInPlainCell(line);
    if (place === 'closed') held.add('"', recordLine);
    else held.count(1, recordLine);
    place = place === 'quoted' ? 'closed' : 'quoted';
  }

  function endCell(): void {
    cells.push(held.cut());
    held.count(1, recordLine);
    place = 'start';
  }

  function* endRecord(): Generator<CsvRecord> {
    const isBlank = cells.length === 0 && place === 'start';
    const record = { line: recordLine, cells: [...cells, held.take()] };
    cells = [];
    place = 'start';
    recordLine = line;
    if (!isBlank) yield record;
  }

  function end(): Iterable<CsvRecord> {
    if (place === 'quoted') throw openQuote(recordLine);
    return endRecord();
  }

  return { push, end };
}

const marks = /[",\r\n]/g;
const quotedMarks = /["\r\n]/g;

/** Where the text without meaning for this place ends: at `from` itself when a mark stands there. */
function endOfRun(piece: string, from: number, place: Place): number {
  const pattern = place === 'quoted' ? quotedMarks : marks;
  pattern.lastIndex = from;
  return pattern.exec(piece)?.index ?? piece.length;
}

function textAfterQuote(line: number, text: string): SeedRefusal {
  const rule = 'A quote inside a quoted cell is written twice.';
  return new SeedRefusal(
    line,
    `Found ${shown(text)} after a closing quote, where a comma or the end of the line is expected. ${rule}`,
  );
}

function quoteInPlainCell(line: number): SeedRefusal {
  return new SeedRefusal(
    line,
    'Found a quote inside a cell that does not begin with one. Put the whole cell in quotes and write each ' +
      'quote inside it twice.',
  );
}

function openQuote(line: number): SeedRefusal {
  return new SeedRefusal(
    line,
    'A quoted cell of the record that begins on this line is never closed. Close its quote; where the data was ' +
      'cut off, get it again in full.',
  );
}

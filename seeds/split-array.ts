import { createHeldText } from './held-text.ts';
import { SeedRefusal, shown } from './refusal.ts';
import type { RowText, Splitter } from './split-lines.ts';

/**
 * Where between two rows the text is. `first` follows the opening bracket, where an empty list may end;
 * `after-row` expects a comma or the end; `next` follows a comma, where a row must come.
 */
type Place = 'start' | 'first' | 'row' | 'after-row' | 'next' | 'done';

/**
 * A JSON array of rows: finds where each element begins and ends, and leaves its inside to `parseRow`. Only one
 * element is ever held.
 */
export function createArraySplitter(rowBytesMax: number): Splitter<RowText> {
  const held = createHeldText(rowBytesMax);
  const inside = createElementScan();
  let place: Place = 'start';
  let line = 1;
  let rowLine = 1;

  function* push(piece: string): Generator<RowText> {
    let at = 0;
    while (at < piece.length) {
      if (place !== 'row') {
        place = placeAfter(piece.charAt(at));
        if (place !== 'row') at += 1;
        continue;
      }
      const found = inside.scan(piece, at);
      held.add(piece.slice(at, found.end), rowLine);
      line += found.newlines;
      at = found.end;
      if (!found.isComplete) return;
      place = 'after-row';
      yield { line: rowLine, text: held.take() };
    }
  }

  function placeAfter(char: string): Place {
    if (char === '\n') line += 1;
    if (char === '\n' || char === ' ' || char === '\t' || char === '\r') return place;
    const next = transition(place, char);
    if (next === null) throw new SeedRefusal(line, unexpected(place, char));
    if (next === 'row') rowLine = line;
    return next;
  }

  function end(): RowText[] {
    if (place === 'done') return [];
    if (place === 'row') {
      throw new SeedRefusal(
        rowLine,
        'The data ends inside the row that begins on this line. It was cut off; get it again in full.',
      );
    }
    throw new SeedRefusal(line, `${unexpected(place, '')} Get the data again in full.`);
  }

  return { push, end };
}

function transition(place: Place, char: string): Place | null {
  switch (place) {
    case 'start':
      return char === '[' ? 'first' : null;
    case 'first':
      if (char === ']') return 'done';
      return char === ',' ? null : 'row';
    case 'next':
      return char === ',' || char === ']' ? null : 'row';
    case 'after-row':
      if (char === ',') return 'next';
      return char === ']' ? 'done' : null;
    case 'row':
    case 'done':
      return null;
  }
}

function unexpected(place: Place, char: string): string {
  const seen = char === '' ? 'the end of the data' : shown(char);
  switch (place) {
    case 'start':
      return `Found ${seen} where "[" must open the list: JSON seed data is a list of objects; one object per line is the format jsonl.`;
    case 'first':
    case 'next':
    case 'row':
      return `Found ${seen} where a row is expected: remove the comma before it or add the row.`;
    case 'after-row':
      return `Found ${seen} after a row, where "," or the closing "]" is expected.`;
    case 'done':
      return `Found ${seen} after the closing "]": nothing may follow the list.`;
  }
}

/** Follows brackets and strings through one element, however it is cut into pieces. */
function createElementScan() {
  let depth = 0;
  let isInString = false;
  let isEscaped = false;

  function scan(piece: string, from: number) {
    let newlines = 0;
    for (let at = from; at < piece.length; at += 1) {
      const char = piece.charAt(at);
      if (char === '\n') newlines += 1;
      if (isInString) {
        readInString(char);
        continue;
      }
      // A number or another bare value ends before the mark that follows it; that mark is not its own.
      if (depth === 0 && (char === ',' || char === ']')) {
        return { end: at, newlines, isComplete: true };
      }
      if (char === '"') isInString = true;
      else if (char === '{' || char === '[') depth += 1;
      else if ((char === '}' || char === ']') && depth > 0) {
        depth -= 1;
        if (depth === 0) return { end: at + 1, newlines, isComplete: true };
      }
    }
    return { end: piece.length, newlines, isComplete: false };
  }

  function readInString(char: string): void {
    if (isEscaped) isEscaped = false;
    else if (char === '\\') isEscaped = true;
    else if (char === '"') isInString = false;
  }

  return { scan };
}

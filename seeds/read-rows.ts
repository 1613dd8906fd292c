import type { JsonObject } from '#domain/json.ts';
import { isDroppedKey } from '#domain/seed.ts';
import type { ImportOptions, SeedFormat, SeedLimits } from './contract.ts';
import { parseRow } from './parse-row.ts';
import { SeedRefusal, shown } from './refusal.ts';
import { createArraySplitter } from './split-array.ts';
import { createCsvSplitter, type CsvRecord } from './split-csv.ts';
import { createLineSplitter, type RowText, type Splitter } from './split-lines.ts';

/** What one row of the input turned out to be, at the line it begins on (of an error: the error's line). */
export type ReadRow =
  | {
      readonly kind: 'row';
      readonly line: number;
      readonly row: JsonObject;
      readonly dropped: readonly string[];
    }
  | { readonly kind: 'broken'; readonly line: number; readonly detail: string };

/** The rows of text in a format, one at a time, good and broken; refuses where no row after can be trusted. */
export async function* readRows(
  pieces: AsyncIterable<string>,
  format: ImportOptions['format'],
  limits: SeedLimits,
): AsyncGenerator<ReadRow> {
  let splitter = format === 'detect' ? null : createReader(format, limits);
  let leading = '';
  for await (const piece of pieces) {
    if (splitter !== null) {
      yield* splitter.push(piece);
      continue;
    }
    leading += piece;
    const found = formatOfText(leading);
    if (found === null && leading.length > limits.rowBytesMax) throw blankStart(limits.rowBytesMax);
    if (found === null) continue;
    splitter = createReader(found, limits);
    yield* splitter.push(leading);
  }
  if (splitter !== null) yield* splitter.end();
}

/** By the first mark of the text: a list is json, an object is the first of many lines, all else is CSV. */
function formatOfText(text: string): SeedFormat | null {
  const first = /[^ \t\r\n]/.exec(text)?.[0];
  if (first === undefined) return null;
  if (first === '[') return 'json';
  return first === '{' ? 'jsonl' : 'csv';
}

function blankStart(max: number): SeedRefusal {
  return new SeedRefusal(1, `The seed data begins with over ${max} blank characters. Remove them.`);
}

function createReader(format: SeedFormat, limits: SeedLimits): Splitter<ReadRow> {
  switch (format) {
    case 'json':
      return jsonReader(createArraySplitter(limits.rowBytesMax), limits);
    case 'jsonl':
      return jsonReader(createLineSplitter(limits.rowBytesMax), limits);
    case 'csv':
      return csvReader(createCsvSplitter(limits.rowBytesMax), limits);
  }
}

function jsonReader(splitter: Splitter<RowText>, limits: SeedLimits): Splitter<ReadRow> {
  function* read(rows: Iterable<RowText>): Generator<ReadRow> {
    for (const { line, text } of rows) {
      const parsed = parseRow(text, limits.depthMax);
      yield parsed.kind === 'row' ? { ...parsed, line } : { ...parsed, line: line + parsed.line };
    }
  }
  return { push: (piece) => read(splitter.push(piece)), end: () => read(splitter.end()) };
}

function csvReader(splitter: Splitter<CsvRecord>, limits: SeedLimits): Splitter<ReadRow> {
  let header: readonly string[] | null = null;

  function* read(records: Iterable<CsvRecord>): Generator<ReadRow> {
    for (const record of records) {
      if (header === null) header = readHeader(record, limits.columnsMax);
      else yield rowOfCells(header, record);
    }
  }
  return { push: (piece) => read(splitter.push(piece)), end: () => read(splitter.end()) };
}

/** The column names. White space around them is cut: templates could not name such a column. */
function readHeader(record: CsvRecord, columnsMax: number): readonly string[] {
  const names = record.cells.map((cell) => cell.trim());
  const refuse = (detail: string) => new SeedRefusal(record.line, detail);
  if (names.length > columnsMax) {
    throw refuse(`The header has ${names.length} columns; at most ${columnsMax} are allowed.`);
  }
  const empty = names.indexOf('');
  if (empty !== -1) {
    throw refuse(
      `Column ${empty + 1} of the header has no name. The first line must name every column.`,
    );
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw refuse(
      `The header names the column ${shown(twice)} twice. Names must be unique; rename one.`,
    );
  }
  return names;
}

/** Values are strings, and an empty cell is an empty string: CSV says nothing about types or nulls. */
function rowOfCells(header: readonly string[], { line, cells }: CsvRecord): ReadRow {
  if (cells.length !== header.length) {
    const detail = `The row has ${cells.length} cells; the header has ${header.length}. Quote cells that hold commas, and fill in missing ones.`;
    return { kind: 'broken', line, detail };
  }
  const row: Record<string, string> = {};
  for (const [at, name] of header.entries()) {
    if (!isDroppedKey(name)) row[name] = cells[at] ?? '';
  }
  return { kind: 'row', line, row, dropped: header.filter(isDroppedKey) };
}

/** The format that a file's name tells; `detect` where it does not: `.json` files often hold JSON Lines. */
export function formatOfFileName(fileName: string): SeedFormat | 'detect' {
  const name = fileName.toLowerCase();
  if (name.endsWith('.csv')) return 'csv';
  return name.endsWith('.jsonl') || name.endsWith('.ndjson') ? 'jsonl' : 'detect';
}

import type { Json, JsonObject } from '#domain/json.ts';
import { isDroppedKey } from '#domain/seed.ts';
import { shown } from './refusal.ts';

export type ParsedRow =
  | { readonly kind: 'row'; readonly row: JsonObject; readonly dropped: readonly string[] }
  /** `line` counts the text's own lines from 0. */
  | { readonly kind: 'broken'; readonly line: number; readonly detail: string };

/**
 * One row from its JSON text (RFC 8259), normalised: keys that `isDroppedKey` names are left out and listed. A number
 * that a double cannot hold (an integer beyond 2^53, 1e999) becomes a string of its exact text: it is nearly
 * always an id, and a rounded id would be another one. Refuses what JSON.parse lets pass or cannot place:
 * duplicate keys, nesting beyond `depthMax` (the row is 1) and every error at its line.
 */
export function parseRow(text: string, depthMax: number): ParsedRow {
  const cursor: Cursor = { text, at: 0, depthLeft: depthMax, depthMax, dropped: new Set() };
  try {
    const value = readValue(cursor);
    if (peek(cursor) !== '') throw unexpected(cursor, 'nothing more');
    if (typeof value !== 'object' || value === null || isList(value)) {
      throw new RowTextError(0, `The row is ${kindOf(value)}; each row must be an object, {...}.`);
    }
    return { kind: 'row', row: value, dropped: [...cursor.dropped] };
  } catch (error) {
    if (!(error instanceof RowTextError)) throw error;
    return { kind: 'broken', line: linesBefore(text, error.at), detail: error.message };
  }
}

interface Cursor {
  readonly text: string;
  at: number;
  depthLeft: number;
  readonly depthMax: number;
  readonly dropped: Set<string>;
}

class RowTextError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.name = 'RowTextError';
    this.at = at;
  }
}

function readValue(cursor: Cursor): Json {
  const char = peek(cursor);
  if (char === '{') return nested(cursor, readObject);
  if (char === '[') return nested(cursor, readList);
  if (char === '"') return readString(cursor);
  if (char === '-' || (char >= '0' && char <= '9')) return readNumber(cursor);
  for (const [word, value] of words) {
    if (!cursor.text.startsWith(word, cursor.at)) continue;
    cursor.at += word.length;
    return value;
  }
  throw unexpected(cursor, 'a value');
}

const words = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;

function nested(cursor: Cursor, read: (cursor: Cursor) => Json): Json {
  if (cursor.depthLeft === 0) {
    throw new RowTextError(
      cursor.at,
      `The row is nested more than ${cursor.depthMax} deep, which is the most allowed. Flatten it.`,
    );
  }
  cursor.depthLeft -= 1;
  cursor.at += 1;
  const value = read(cursor);
  cursor.depthLeft += 1;
  return value;
}

function readObject(cursor: Cursor): JsonObject {
  const object: Record<string, Json> = {};
  const keys = new Set<string>();
  if (takeMark(cursor, '}')) return object;
  for (;;) {
    if (peek(cursor) !== '"') throw unexpected(cursor, 'a key in double quotes');
    const keyAt = cursor.at;
    const key = readString(cursor);
    if (keys.has(key)) {
      throw new RowTextError(
        keyAt,
        `Duplicate key ${shown(key)}: keep one, for only one can be meant.`,
      );
    }
    keys.add(key);
    if (!takeMark(cursor, ':')) throw unexpected(cursor, '":" after a key');
    const value = readValue(cursor);
    if (isDroppedKey(key)) cursor.dropped.add(key);
    else object[key] = value;
    if (takeMark(cursor, '}')) return object;
    if (!takeMark(cursor, ',')) throw unexpected(cursor, '"," or "}"');
  }
}

function readList(cursor: Cursor): readonly Json[] {
  const list: Json[] = [];
  if (takeMark(cursor, ']')) return list;
  for (;;) {
    list.push(readValue(cursor));
    if (takeMark(cursor, ']')) return list;
    if (!takeMark(cursor, ',')) throw unexpected(cursor, '"," or "]"');
  }
}

function readString(cursor: Cursor): string {
  const start = cursor.at;
  const end = closingQuote(cursor.text, start + 1);
  if (end === -1) throw new RowTextError(start, 'A string is never closed. Close its quote.');
  cursor.at = end + 1;
  const inside = cursor.text.slice(start + 1, end);
  if (!/[\\\u0000-\u001f]/.test(inside)) return inside;
  try {
    return String(JSON.parse(`"${inside}"`));
  } catch {
    throw new RowTextError(
      start,
      `The string ${shown(inside)} holds a bare control character or an unknown escape. Write \\n, \\t or \\u00XX.`,
    );
  }
}

/** The first quote from `from` on that an even number of backslashes precedes; -1 where there is none. */
function closingQuote(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at;
    if (code === 0x5c) at += 1;
  }
  return -1;
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

function readNumber(cursor: Cursor): number | string {
  numberPattern.lastIndex = cursor.at;
  const match = numberPattern.exec(cursor.text);
  if (match === null) throw unexpected(cursor, 'a number');
  cursor.at += match[0].length;
  const value = Number(match[0]);
  return isExact(match[0], value) ? value : match[0];
}

const digits = /^-?[0-9]+$/;

/** Also asks how the value prints: normalised rows that are imported again must stay as they are. */
function isExact(text: string, value: number): boolean {
  const isInteger = digits.test(text) || digits.test(String(value));
  return isInteger ? Number.isSafeInteger(value) : Number.isFinite(value);
}

/** The next character that is not white space; empty at the end. */
function peek(cursor: Cursor): string {
  for (; cursor.at < cursor.text.length; cursor.at += 1) {
    const char = cursor.text.charAt(cursor.at);
    if (char !== ' ' && char !== '\n' && char !== '\r' && char !== '\t') return char;
  }
  return '';
}

function takeMark(cursor: Cursor, mark: string): boolean {
  if (peek(cursor) !== mark) return false;
  cursor.at += 1;
  return true;
}

function unexpected(cursor: Cursor, wanted: string): RowTextError {
  const rest = cursor.text.slice(cursor.at, cursor.at + 12);
  const seen = rest === '' ? 'the end of the row' : shown(rest);
  return new RowTextError(cursor.at, `The row is not JSON: expected ${wanted}, found ${seen}.`);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  return isList(value) ? 'a list' : `a ${typeof value}`;
}

function linesBefore(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1))
    lines += 1;
  return lines;
}

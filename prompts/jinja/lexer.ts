import { SyntaxProblem } from './syntax.ts';

export type TokenKind =
  | 'text'
  | 'output-begin'
  | 'output-end'
  | 'tag-begin'
  | 'tag-end'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator'
  | 'end';

export interface Token {
  kind: TokenKind;
  /** Text, name, operator, or the decoded content of a string; digits of a number. */
  text: string;
  line: number;
}

/**
 * The tokens of a template text, as Jinja2 3.1 sees them with trim_blocks and lstrip_blocks on and
 * keep_trailing_newline off. Whitespace is already handled and comments are gone when this returns.
 */
export function tokenizeTemplate(source: string): Token[] {
  const cursor = openCursor(source.replace(/\r\n|\r/g, '\n').replace(/\n$/, ''));
  while (cursor.position < cursor.source.length) readText(cursor);
  return closeCursor(cursor);
}

/** The tokens of a bare expression, such as a step's `when`. */
export function tokenizeExpression(source: string): Token[] {
  const cursor = openCursor(source.replace(/\r\n|\r/g, '\n'));
  while (skipSpace(cursor)) readCodeToken(cursor, []);
  return closeCursor(cursor);
}

interface Cursor {
  readonly source: string;
  readonly tokens: Token[];
  position: number;
  line: number;
  /** Whether the last thing read ended a line, so that a tag here is the first on its line. */
  isLineStart: boolean;
}

function openCursor(source: string): Cursor {
  return { source, tokens: [], position: 0, line: 1, isLineStart: true };
}

function closeCursor(cursor: Cursor): Token[] {
  cursor.tokens.push({ kind: 'end', text: '', line: cursor.line });
  return cursor.tokens;
}

const opening = /\{\{[-+]?|\{%[-+]?|\{#[-+]?/g;
const rawOpening = /\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})/y;
const rawClosing = /\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)/g;
const commentClosing = /\+#\}|-#\}\s*|#\}\n?/g;
const tagEnd = /\+%\}|-%\}\s*|%\}\n?/y;
const outputEnd = /-\}\}\s*|\}\}/y;

function readText(cursor: Cursor): void {
  const found = matchFrom(opening, cursor.source, cursor.position);
  if (found === null) {
    emitText(cursor, cursor.source.slice(cursor.position), cursor.source.length);
    return;
  }
  const text = cursor.source.slice(cursor.position, found.index);
  const mark = found[0];
  emitText(cursor, trimBefore(cursor, text, mark), found.index, text);
  const raw = matchFrom(rawOpening, cursor.source, found.index);
  if (raw !== null) readRaw(cursor, raw[0]);
  else if (mark.startsWith('{#')) readComment(cursor, mark);
  else if (mark.startsWith('{%')) readCode(cursor, mark, 'tag');
  else readCode(cursor, mark, 'output');
}

/** The text before a mark, without the whitespace that the mark takes away. */
function trimBefore(cursor: Cursor, text: string, mark: string): string {
  if (mark.endsWith('-')) return text.trimEnd();
  if (mark.endsWith('+') || mark.startsWith('{{')) return text;
  const lineBegin = text.lastIndexOf('\n') + 1;
  const isFirstOnLine = lineBegin > 0 || cursor.isLineStart;
  return isFirstOnLine && /^\s*$/.test(text.slice(lineBegin)) ? text.slice(0, lineBegin) : text;
}

function emitText(cursor: Cursor, text: string, end: number, untrimmed = text): void {
  if (text !== '') cursor.tokens.push({ kind: 'text', text, line: cursor.line });
  cursor.line += countLines(untrimmed);
  if (untrimmed !== '') cursor.isLineStart = untrimmed.endsWith('\n');
  cursor.position = end;
}

function advance(cursor: Cursor, matched: string): void {
  cursor.position += matched.length;
  cursor.line += countLines(matched);
  cursor.isLineStart = matched.endsWith('\n');
}

function readRaw(cursor: Cursor, opened: string): void {
  const line = cursor.line;
  advance(cursor, opened);
  const close = matchFrom(rawClosing, cursor.source, cursor.position);
  if (close === null) throw new SyntaxProblem(line, 'raw is not closed; end it with {% endraw %}');
  const text = cursor.source.slice(cursor.position, close.index);
  emitText(cursor, trimBefore(cursor, text, `{%${close[1]}`), close.index, text);
  advance(cursor, close[0]);
}

function readComment(cursor: Cursor, opened: string): void {
  const line = cursor.line;
  advance(cursor, opened);
  const close = matchFrom(commentClosing, cursor.source, cursor.position);
  if (close === null) throw new SyntaxProblem(line, 'a comment is not closed; end it with #}');
  advance(cursor, cursor.source.slice(cursor.position, close.index) + close[0]);
}

function readCode(cursor: Cursor, mark: string, code: 'tag' | 'output'): void {
  const ending = code === 'tag' ? tagEnd : outputEnd;
  const line = cursor.line;
  cursor.tokens.push({ kind: `${code}-begin`, text: mark, line });
  advance(cursor, mark);
  const open: string[] = [];
  while (skipSpace(cursor)) {
    // Inside brackets "}}" may close two dicts, so the end is only looked for outside them.
    const close = open.length === 0 ? matchFrom(ending, cursor.source, cursor.position) : null;
    if (close !== null) {
      cursor.tokens.push({ kind: `${code}-end`, text: close[0], line: cursor.line });
      advance(cursor, close[0]);
      return;
    }
    readCodeToken(cursor, open);
  }
  const expected = code === 'tag' ? '%}' : '}}';
  throw new SyntaxProblem(line, `"${mark}" is not closed; end it with ${expected}`);
}

const space = /\s+/y;
const float = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/y;
const integer =
  /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const name = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const string = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y;
const operator = /==|!=|>=|<=|\*\*|\/\/|[-+*/%~[\](){}<>=.:|,]/y;
const closers: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/** Skips whitespace; false at the end of the source. */
function skipSpace(cursor: Cursor): boolean {
  const found = matchFrom(space, cursor.source, cursor.position);
  if (found !== null) advance(cursor, found[0]);
  return cursor.position < cursor.source.length;
}

const rules: readonly (readonly [TokenKind, RegExp])[] = [
  ['float', float],
  ['integer', integer],
  ['name', name],
  ['string', string],
  ['operator', operator],
];

function readCodeToken(cursor: Cursor, open: string[]): void {
  // In `pairs.0.1` the digits are two positions, not the number 0.1.
  const isAfterDot = cursor.source[cursor.position - 1] === '.';
  for (const [kind, rule] of rules) {
    if (kind === 'float' && isAfterDot) continue;
    const found = matchFrom(rule, cursor.source, cursor.position);
    if (found === null) continue;
    if (kind === 'operator') balance(cursor, found[0], open);
    const text = kind === 'string' ? decodeString(found[0], cursor.line) : found[0];
    cursor.tokens.push({ kind, text, line: cursor.line });
    advance(cursor, found[0]);
    return;
  }
  const char = String.fromCodePoint(cursor.source.codePointAt(cursor.position) ?? 0);
  const advice = char === '"' || char === "'" ? ': the string is not closed' : '';
  throw new SyntaxProblem(cursor.line, `unexpected character ${char}${advice}`);
}

function balance(cursor: Cursor, text: string, open: string[]): void {
  const closer = closers[text];
  if (closer !== undefined) {
    open.push(closer);
  } else if (text === ')' || text === ']' || text === '}') {
    const expected = open.pop();
    if (expected === text) return;
    const advice = expected === undefined ? 'nothing is open' : `"${expected}" is expected`;
    throw new SyntaxProblem(cursor.line, `unexpected "${text}": ${advice}`);
  }
}

const escapes: Record<string, string> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The content of a quoted string; unknown escapes keep their backslash, as in Python. */
function decodeString(quoted: string, line: number): string {
  const escape = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g;
  return quoted.slice(1, -1).replace(escape, (whole, ...groups: (string | undefined)[]) => {
    const [hex2, hex4, hex8, octal, other = ''] = groups;
    const hex = hex2 ?? hex4 ?? hex8;
    if (hex !== undefined) return codePoint(Number.parseInt(hex, 16), whole, line);
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    if (/[xuUN]/.test(other)) throw new SyntaxProblem(line, `"${whole}" is not a complete escape`);
    return escapes[other] ?? whole;
  });
}

function codePoint(code: number, whole: string, line: number): string {
  if (code > 0x10ffff) throw new SyntaxProblem(line, `"${whole}" is beyond the last character`);
  return String.fromCodePoint(code);
}

/** The match of a global or sticky pattern at or after a position. */
function matchFrom(pattern: RegExp, source: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(source);
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

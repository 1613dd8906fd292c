import { compareTexts } from './code-points.ts';
import { floatText, textOf } from './printing.ts';
import {
  dictEntries,
  Float,
  isDict,
  Tuple,
  typeName,
  Undefined,
  undefinedProblem,
  type Value,
  wrong,
} from './values.ts';

/**
 * What Jinja2's tojson gives: Python's json.dumps with sorted keys and ASCII only, and with <, >, & and '
 * escaped, so that old templates print the same bytes.
 */
export function jsonText(value: Value, indent: number | null): string {
  return jsonOf(value, indent, 0).replace(/[<>&']/g, (char) => unicodeEscape(char.charCodeAt(0)));
}

function jsonOf(value: Value, indent: number | null, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return jsonString(value);
  if (typeof value === 'number') return textOf(value, 'error');
  if (value instanceof Float) return floatText(value.number);
  if (value instanceof Undefined) throw undefinedProblem(value);
  if (Array.isArray(value) || value instanceof Tuple) {
    const items = Array.isArray(value) ? value : value.items;
    return enclosed(
      ['[', ']'],
      items.map((item) => jsonOf(item, indent, depth + 1)),
      indent,
      depth,
    );
  }
  if (!isDict(value)) throw wrong(`a ${typeName(value)} cannot be written as JSON; add "| list"`);
  const pairs = dictEntries(value)
    .map(([key, item]) => [jsonKey(key), jsonOf(item, indent, depth + 1)] as const)
    .sort(([left], [right]) => compareTexts(left, right))
    .map(([key, item]) => `${jsonString(key)}: ${item}`);
  return enclosed(['{', '}'], pairs, indent, depth);
}

function jsonKey(key: Value): string {
  if (typeof key === 'string') return key;
  throw wrong(
    `a dict with the key ${textOf(key, 'error')} cannot be written as JSON; use text keys`,
  );
}

function enclosed(
  [open, close]: readonly [string, string],
  items: readonly string[],
  indent: number | null,
  depth: number,
): string {
  if (items.length === 0) return open + close;
  if (indent === null) return open + items.join(', ') + close;
  const inner = `\n${' '.repeat(indent * (depth + 1))}`;
  return `${open}${inner}${items.join(`,${inner}`)}\n${' '.repeat(indent * depth)}${close}`;
}

function jsonString(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (char) => {
    const code = char.charCodeAt(0);
    return code === 0x7f ? char : unicodeEscape(code);
  });
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

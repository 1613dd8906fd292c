import {
  extractKeywords,
  randomSentence,
  truncateTokens,
  writingStyle,
} from '#domain/text-functions.ts';
import type { Bound } from './call-arguments.ts';
import { between, lengthOf } from './code-points.ts';
import type { Filter } from './filters.ts';
import { percentFormat } from './formatting.ts';
import { jsonText } from './json-text.ts';
import { capitalized, justified, replaced, strip } from './text-methods.ts';
import { float, int, isFloat, numberOf } from './numbers.ts';
import { fixedText, textOf } from './printing.ts';
import {
  bounded,
  Dict,
  isTrue,
  Tuple,
  typeName,
  Undefined,
  undefinedProblem,
  type UndefinedHandling,
  type Value,
  wrong,
} from './values.ts';

/** Jinja2 needs a text here too: a number would fail there only once it is too long. */
function needText(filter: string, input: Value, mode: UndefinedHandling): string {
  if (typeof input === 'string' || input instanceof Undefined) return textOf(input, mode);
  throw wrong(`${filter} needs a text, not ${typeName(input)}; add "| string" before it`);
}

function ofText(run: (text: string) => Value): Filter {
  return { parameters: [], least: 0, run: (input, _, call) => run(textOf(input, call.run.mode)) };
}

/** Jinja2's title: words end at spaces, hyphens and opening brackets only, so "it's" becomes "It's". */
function titleWords(text: string): string {
  return text
    .split(/([-\s({[<]+)/)
    .map((word) => capitalized(word))
    .join('');
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    "'": '&#39;',
    '"': '&#34;',
  };
  return text.replace(/[&<>'"]/g, (char) => entities[char] ?? char);
}

function urlQuoted(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/%2F/g, '/')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The number that a value or a text stands for, as Python's float() reads it; null if it does not. */
function parsedNumber(value: Value): number | null {
  const number = numberOf(value);
  if (number !== null || typeof value !== 'string') return number;
  const trimmed = strip(value, undefined, 'both').replace(/(?<=\d)_(?=\d)/g, '');
  if (/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(trimmed)) return Number(trimmed);
  const special = /^([-+]?)(inf|infinity|nan)$/i.exec(trimmed);
  if (special === null) return null;
  const size = special[2]?.toLowerCase() === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
  return special[1] === '-' ? -size : size;
}

function toInt(input: Value, fallback: Value, base: number): Value {
  if (input instanceof Undefined) throw undefinedProblem(input);
  if (typeof input === 'string' && base !== 10) return intOfBase(input, base) ?? fallback;
  const number = parsedNumber(input);
  return number === null || !Number.isFinite(number) ? fallback : int(Math.trunc(number));
}

function intOfBase(text: string, base: number): Value | null {
  const prefix = base === 16 ? /^([-+]?)0x/i : base === 8 ? /^([-+]?)0o/i : /^([-+]?)0b/i;
  const trimmed = strip(text, undefined, 'both').replace(prefix, '$1');
  const digits = '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, base);
  const isNumber = new RegExp(`^[-+]?[${digits}]+$`, 'i').test(trimmed);
  return isNumber ? int(Number.parseInt(trimmed, base)) : null;
}

function rounded(input: Value, precision: number, method: string): Value {
  const number = numberOf(input);
  if (number === null) throw needsNumber('round', input);
  if (precision < 0) throw wrong('round needs a precision of 0 or more');
  if (method === 'common')
    return isFloat(input) ? float(Number(fixedText(number, precision))) : number;
  const factor = 10 ** precision;
  const scaled = number * factor;
  if (method === 'ceil') return float(Math.ceil(scaled) / factor);
  if (method === 'floor') return float(Math.floor(scaled) / factor);
  throw wrong(`"${method}" is not a way to round; known are common, ceil, floor`);
}

function needsNumber(filter: string, input: Value): Error {
  if (input instanceof Undefined) return undefinedProblem(input);
  return wrong(`${filter} needs a number, not ${typeName(input)}`);
}

function shortened(text: string, args: Bound): string {
  const length = args.whole('length', 255);
  const end = args.text('end', '...');
  if (length < lengthOf(end))
    throw wrong(`truncate to ${length} characters leaves no room for "${end}"`);
  if (lengthOf(text) <= length + args.whole('leeway', 5)) return text;
  const cut = between(text, 0, length - lengthOf(end));
  if (args.flag('killwords', false)) return cut + end;
  const lastSpace = cut.lastIndexOf(' ');
  return (lastSpace < 0 ? cut : cut.slice(0, lastSpace)) + end;
}

function indented(text: string, indent: string, isFirst: boolean, isBlank: boolean): string {
  const lines = `${text}\n`.split('\n').slice(0, -1);
  const body = isBlank
    ? lines.join(`\n${indent}`)
    : lines.map((line, index) => (index === 0 || line === '' ? line : indent + line)).join('\n');
  return isFirst ? indent + body : body;
}

export const textFilters: Record<string, Filter> = {
  upper: ofText((text) => text.toUpperCase()),
  lower: ofText((text) => text.toLowerCase()),
  capitalize: ofText(capitalized),
  title: ofText(titleWords),
  string: ofText((text) => text),
  safe: ofText((text) => text),
  e: ofText(escapeHtml),
  escape: ofText(escapeHtml),
  forceescape: ofText(escapeHtml),
  urlencode: {
    parameters: [],
    least: 0,
    run: (input, _, { run }) => urlQuoted(needText('urlencode', input, run.mode)),
  },
  wordcount: ofText((text) => text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  trim: {
    parameters: ['chars'],
    least: 0,
    run: (input, args, { run }) => strip(textOf(input, run.mode), args.get('chars'), 'both'),
  },
  replace: {
    parameters: ['old', 'new', 'count'],
    least: 2,
    run: (input, args, { run }) => {
      const [from, to] = [args.get('old') ?? '', args.get('new') ?? ''];
      const count = args.get('count') === null ? -1 : args.whole('count', -1);
      return replaced(textOf(input, run.mode), textOf(from, run.mode), textOf(to, run.mode), count);
    },
  },
  truncate: {
    parameters: ['length', 'killwords', 'end', 'leeway'],
    least: 0,
    run: (input, args, { run }) => shortened(needText('truncate', input, run.mode), args),
  },
  center: {
    parameters: ['width'],
    least: 0,
    run: (input, args, { run }) =>
      justified(textOf(input, run.mode), args.whole('width', 80), 'both', ' '),
  },
  indent: {
    parameters: ['width', 'first', 'blank'],
    least: 0,
    run: (input, args, { run }) => {
      const width = args.get('width');
      const indent =
        typeof width === 'string' ? width : ' '.repeat(bounded(args.whole('width', 4)));
      return indented(
        needText('indent', input, run.mode),
        indent,
        args.flag('first', false),
        args.flag('blank', false),
      );
    },
  },
  format: {
    parameters: null,
    least: 0,
    run: (input, _, { args, named, run }) => {
      if (args.length > 0 && named.size > 0)
        throw wrong('format takes values or named values, not both');
      const operands = new Dict();
      for (const [name, value] of named) operands.entries.set(name, [name, value]);
      return percentFormat(
        textOf(input, run.mode),
        named.size > 0 ? operands : new Tuple(args),
        run.mode,
      );
    },
  },
  int: {
    parameters: ['default', 'base'],
    least: 0,
    run: (input, args) => toInt(input, args.get('default') ?? 0, args.whole('base', 10)),
  },
  float: {
    parameters: ['default'],
    least: 0,
    run: (input, args) => {
      if (input instanceof Undefined) throw undefinedProblem(input);
      const number = parsedNumber(input);
      return number === null ? (args.get('default') ?? float(0)) : float(number);
    },
  },
  round: {
    parameters: ['precision', 'method'],
    least: 0,
    run: (input, args) => rounded(input, args.whole('precision', 0), args.text('method', 'common')),
  },
  abs: {
    parameters: [],
    least: 0,
    run: (input) => {
      const number = numberOf(input);
      if (number === null) throw needsNumber('abs', input);
      return isFloat(input) ? float(Math.abs(number)) : Math.abs(number);
    },
  },
  tojson: {
    parameters: ['indent'],
    least: 0,
    run: (input, args) => {
      const indent = args.get('indent') ?? null;
      return jsonText(input, indent === null ? null : args.whole('indent', 0));
    },
  },
  random_sentence: ofTextOrNothing((text, _, { run }) => randomSentence(text, run.random), []),
  writing_style: ofTextOrNothing((text) => writingStyle(text), [], 'general'),
  truncate_tokens: ofTextOrNothing((text, args) => truncateTokens(text, args.whole('n', 0)), ['n']),
  extract_keywords: {
    parameters: ['count'],
    least: 0,
    run: (input, args, { run }) => {
      if (!isTrue(input) && !(input instanceof Undefined)) return [];
      return extractKeywords(textOf(input, run.mode), args.whole('count', 5));
    },
  },
};

/** Plot Palette's functions give a fixed answer for None, "" and 0. What is undefined is still a failure. */
function ofTextOrNothing(
  run: (
    text: string,
    ...rest: [Parameters<Filter['run']>[1], Parameters<Filter['run']>[2]]
  ) => Value,
  parameters: readonly string[],
  nothing = '',
): Filter {
  return {
    parameters,
    least: parameters.length,
    run: (input, args, call) => {
      const isNothing = !isTrue(input) && !(input instanceof Undefined);
      return isNothing ? nothing : run(textOf(input, call.run.mode), args, call);
    },
  };
}

import { between, lengthOf, positionOf } from './code-points.ts';
import { braceFormat } from './formatting.ts';
import { type Method, textArgument, wholeArgument } from './method.ts';
import { bounded, iterate, RenderProblem, Tuple, type Value, wrong } from './values.ts';

const spaces = '\\s\\x1c-\\x1f\\x85';
const leading = new RegExp(`^[${spaces}]+`);

export function strip(
  text: string,
  characters: Value | undefined,
  sides: 'both' | 'left' | 'right',
): string {
  const isStripped = stripTest(characters);
  const chars = Array.from(text);
  let [start, stop] = [0, chars.length];
  while (sides !== 'right' && start < stop && isStripped(chars[start] ?? '')) start += 1;
  while (sides !== 'left' && stop > start && isStripped(chars[stop - 1] ?? '')) stop -= 1;
  return chars.slice(start, stop).join('');
}

function stripTest(characters: Value | undefined): (char: string) => boolean {
  if (characters === undefined || characters === null)
    return (char) => leading.test(char) && char !== '\ufeff';
  const set = new Set(Array.from(textArgument(characters)));
  return (char) => set.has(char);
}

/** Python's title(): every run of letters begins with a capital, so "it's" becomes "It'S". */
export function titled(value: string): string {
  return value.replace(/[\p{Lu}\p{Ll}\p{Lt}]+/gu, capitalized);
}

export function capitalized(value: string): string {
  const [first = '', ...rest] = Array.from(value);
  return first.toUpperCase() + rest.join('').toLowerCase();
}

export function replaced(value: string, from: string, to: string, count: number): string {
  const most = count < 0 ? Number.POSITIVE_INFINITY : count;
  const pieces = from === '' ? ['', ...Array.from(value), ''] : value.split(from);
  const head = pieces.slice(0, most + 1);
  const tail = pieces.slice(most + 1);
  const growth = (head.length - 1) * to.length;
  if (growth > replacedGrowthMax) {
    throw new RenderProblem('render-limit', 'the replaced text would be too long for any prompt');
  }
  return [head.join(to), ...tail].join(tail.length > 0 && from !== '' ? from : '');
}

const replacedGrowthMax = 2_000_000;

function testAll(pattern: RegExp): Method<string> {
  return { arity: [0, 0], run: (self) => pattern.test(self) };
}

/** isupper and islower: at least one cased letter, and none of the other case. */
function testCase(wanted: RegExp, other: RegExp): Method<string> {
  return { arity: [0, 0], run: (self) => wanted.test(self) && !other.test(self) };
}

function plain(run: (self: string) => Value): Method<string> {
  return { arity: [0, 0], run };
}

function stripping(sides: 'both' | 'left' | 'right'): Method<string> {
  return { arity: [0, 1], run: (self, { args }) => strip(self, args[0], sides) };
}

function affixTest(test: (self: string, affix: string) => boolean): Method<string> {
  return {
    arity: [1, 1],
    run: (self, { args }) => {
      const [affix] = args;
      const all = affix instanceof Tuple ? affix.items : [affix];
      return all.some((one) => test(self, textArgument(one)));
    },
  };
}

function searching(
  find: (self: string, part: string) => number,
  isStrict: boolean,
): Method<string> {
  return {
    arity: [1, 3],
    run: (self, { args }) => {
      const [start, stop] = clippedRange(self, args[1], args[2]);
      const found =
        start > lengthOf(self) ? -1 : find(between(self, start, stop), textArgument(args[0]));
      if (found < 0 && isStrict) throw wrong(`${JSON.stringify(args[0])} is not in the text`);
      return found < 0 ? -1 : start + positionOf(between(self, start, stop), found);
    },
  };
}

function clippedRange(
  self: string,
  start: Value | undefined,
  stop: Value | undefined,
): [number, number] {
  const length = lengthOf(self);
  const clip = (at: number) => (at < 0 ? Math.max(0, at + length) : at);
  return [clip(wholeArgument(start, 0)), clip(wholeArgument(stop, length))];
}

function padding(place: 'left' | 'right' | 'both'): Method<string> {
  return {
    arity: [1, 2],
    run: (self, { args }) => {
      const fill = args[1] === undefined ? ' ' : textArgument(args[1]);
      return justified(self, wholeArgument(args[0], 0), place, fill);
    },
  };
}

export function justified(
  self: string,
  width: number,
  place: 'left' | 'right' | 'both',
  fill: string,
): string {
  const length = lengthOf(self);
  const missing = bounded(Math.max(0, width - length));
  if (place === 'left') return self + fill.repeat(missing);
  if (place === 'right') return fill.repeat(missing) + self;
  // Python's rule for an odd rest: the extra blank goes left if the width is odd, right if it is even.
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return fill.repeat(left) + self + fill.repeat(missing - left);
}

function splitting(isFromRight: boolean): Method<string> {
  return {
    arity: [0, 2],
    run: (self, { args }) => {
      const most = wholeArgument(args[1], -1);
      const separator = args[0] ?? null;
      if (separator === '') throw wrong('a text cannot be split at an empty separator');
      const parts =
        separator === null
          ? splitAtSpace(self, most, isFromRight)
          : self.split(textArgument(separator));
      bounded(parts.length);
      if (separator === null || most < 0 || parts.length <= most + 1) return parts;
      const joint = textArgument(separator);
      return isFromRight
        ? [parts.slice(0, parts.length - most).join(joint), ...parts.slice(parts.length - most)]
        : [...parts.slice(0, most), parts.slice(most).join(joint)];
    },
  };
}

function splitAtSpace(self: string, most: number, isFromRight: boolean): string[] {
  const trimmed = strip(self, undefined, 'both');
  if (trimmed === '') return [];
  const words = trimmed.split(new RegExp(`[${spaces}]+`));
  if (most < 0 || words.length <= most + 1) return words;
  const kept = isFromRight ? words.slice(words.length - most) : words.slice(0, most);
  const rest = restAfter(self, kept, isFromRight);
  return isFromRight ? [rest, ...kept] : [...kept, rest];
}

/** What is left of the text after taking words from one end: inner spacing is kept, as Python keeps it. */
function restAfter(self: string, kept: readonly string[], isFromRight: boolean): string {
  let rest = strip(self, undefined, isFromRight ? 'right' : 'left');
  const words = isFromRight ? [...kept].reverse() : kept;
  for (const word of words) {
    rest = isFromRight ? rest.slice(0, rest.length - word.length) : rest.slice(word.length);
    rest = strip(rest, undefined, isFromRight ? 'right' : 'left');
  }
  return rest;
}

function partitioning(isLast: boolean): Method<string> {
  return {
    arity: [1, 1],
    run: (self, { args }) => {
      const separator = textArgument(args[0]);
      if (separator === '') throw wrong('a text cannot be split at an empty separator');
      const at = isLast ? self.lastIndexOf(separator) : self.indexOf(separator);
      if (at < 0) return new Tuple(isLast ? ['', '', self] : [self, '', '']);
      return new Tuple([self.slice(0, at), separator, self.slice(at + separator.length)]);
    },
  };
}

/** Python's methods of str. */
export const textMethods: Record<string, Method<string>> = {
  upper: plain((self) => self.toUpperCase()),
  lower: plain((self) => self.toLowerCase()),
  title: plain(titled),
  capitalize: plain(capitalized),
  swapcase: plain((self) =>
    Array.from(self, (char) =>
      char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase(),
    ).join(''),
  ),
  strip: stripping('both'),
  lstrip: stripping('left'),
  rstrip: stripping('right'),
  startswith: affixTest((self, affix) => self.startsWith(affix)),
  endswith: affixTest((self, affix) => self.endsWith(affix)),
  removeprefix: {
    arity: [1, 1],
    run: (self, { args }) =>
      self.startsWith(textArgument(args[0])) ? self.slice(textArgument(args[0]).length) : self,
  },
  removesuffix: {
    arity: [1, 1],
    run: (self, { args }) => {
      const suffix = textArgument(args[0]);
      return suffix !== '' && self.endsWith(suffix) ? self.slice(0, -suffix.length) : self;
    },
  },
  replace: {
    arity: [2, 3],
    run: (self, { args }) =>
      replaced(self, textArgument(args[0]), textArgument(args[1]), wholeArgument(args[2], -1)),
  },
  split: splitting(false),
  rsplit: splitting(true),
  splitlines: plain((self) =>
    self
      .replace(/(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])$/, '')
      .split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/)
      .filter((_, index) => self !== '' || index > 0),
  ),
  partition: partitioning(false),
  rpartition: partitioning(true),
  join: {
    arity: [1, 1],
    run: (self, { args, mode }) =>
      iterate(args[0] ?? null, mode)
        .map((item) => textArgument(item))
        .join(self),
  },
  count: {
    arity: [1, 1],
    run: (self, { args }) =>
      textArgument(args[0]) === ''
        ? lengthOf(self) + 1
        : self.split(textArgument(args[0])).length - 1,
  },
  find: searching((self, part) => self.indexOf(part), false),
  rfind: searching((self, part) => self.lastIndexOf(part), false),
  index: searching((self, part) => self.indexOf(part), true),
  rindex: searching((self, part) => self.lastIndexOf(part), true),
  format: {
    arity: [0, 100],
    run: (self, { args, named, mode }) => braceFormat(self, args, named, mode),
  },
  zfill: {
    arity: [1, 1],
    run: (self, { args }) => {
      const sign = /^[+-]/.test(self) ? self.slice(0, 1) : '';
      return (
        sign +
        justified(self.slice(sign.length), wholeArgument(args[0], 0) - sign.length, 'right', '0')
      );
    },
  },
  center: padding('both'),
  ljust: padding('left'),
  rjust: padding('right'),
  isalpha: testAll(/^\p{L}+$/u),
  isdigit: testAll(/^[\p{Nd}²³¹⁰-⁹₀-₉]+$/u),
  isdecimal: testAll(/^\p{Nd}+$/u),
  isnumeric: testAll(/^\p{N}+$/u),
  isalnum: testAll(/^[\p{L}\p{N}]+$/u),
  isspace: testAll(new RegExp(`^[${spaces}]+$`)),
  isupper: testCase(/\p{Lu}/u, /[\p{Ll}\p{Lt}]/u),
  islower: testCase(/\p{Ll}/u, /[\p{Lu}\p{Lt}]/u),
};

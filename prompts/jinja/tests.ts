import { isFloat, numberOf } from './numbers.ts';
import { compareBy, isEqual } from './operators.ts';
import { textOf } from './printing.ts';
import {
  Callable,
  isDict,
  Lazy,
  Range,
  Tuple,
  Undefined,
  undefinedProblem,
  type Value,
  View,
  wrong,
} from './values.ts';

/** A test: `value is name` or `value is name(argument)`. */
export interface Test {
  /** How many arguments it takes, exactly. */
  readonly arity: 0 | 1;
  readonly run: (input: Value, argument: Value) => boolean;
}

function ofValue(run: (input: Value) => boolean): Test {
  return { arity: 0, run };
}

function comparing(operator: '<' | '<=' | '>' | '>=' | '==' | '!=' | 'in'): Test {
  return { arity: 1, run: (input, argument) => compareBy(operator, input, argument) };
}

function wholeNumber(input: Value): number {
  if (input instanceof Undefined) throw undefinedProblem(input);
  const number = numberOf(input);
  if (number === null) throw wrong('this test needs a number');
  return number;
}

/** Sizes are known and items are in order: what Python calls a sequence, which dicts count as here too. */
function isSequence(input: Value): boolean {
  const isSized = Array.isArray(input) || input instanceof Tuple || input instanceof Range;
  return isSized || typeof input === 'string' || isDict(input);
}

function isIterable(input: Value): boolean {
  return isSequence(input) || input instanceof Lazy || input instanceof View;
}

function isCased(input: Value, wanted: RegExp, other: RegExp): boolean {
  const text = textOf(input, 'error');
  return wanted.test(text) && !other.test(text);
}

/** Python's `is`, where it has one meaning: None, True, False and texts. */
function isSame(input: Value, argument: Value): boolean {
  const isClear = (value: Value) => value === null || typeof value === 'boolean';
  if (isClear(input) || isClear(argument)) return input === argument;
  throw wrong('"is sameas" compares with none, true or false; use == for other values');
}

const tests: Record<string, Test> = {
  defined: ofValue((input) => !(input instanceof Undefined)),
  undefined: ofValue((input) => input instanceof Undefined),
  none: ofValue((input) => input === null),
  boolean: ofValue((input) => typeof input === 'boolean'),
  true: ofValue((input) => input === true),
  false: ofValue((input) => input === false),
  integer: ofValue((input) => typeof input === 'number' && !isFloat(input)),
  float: ofValue(isFloat),
  number: ofValue((input) => numberOf(input) !== null),
  string: ofValue((input) => typeof input === 'string'),
  mapping: ofValue((input) => isDict(input)),
  sequence: ofValue(isSequence),
  iterable: ofValue(isIterable),
  callable: ofValue((input) => input instanceof Callable),
  odd: ofValue((input) => Math.abs(wholeNumber(input) % 2) === 1),
  even: ofValue((input) => wholeNumber(input) % 2 === 0),
  lower: ofValue((input) => isCased(input, /\p{Ll}/u, /[\p{Lu}\p{Lt}]/u)),
  upper: ofValue((input) => isCased(input, /\p{Lu}/u, /[\p{Ll}\p{Lt}]/u)),
  divisibleby: {
    arity: 1,
    run: (input, argument) => {
      const divisor = wholeNumber(argument);
      if (divisor === 0) throw wrong('nothing is divisible by 0');
      return wholeNumber(input) % divisor === 0;
    },
  },
  sameas: { arity: 1, run: isSame },
  eq: { arity: 1, run: isEqual },
  ne: comparing('!='),
  lt: comparing('<'),
  le: comparing('<='),
  gt: comparing('>'),
  ge: comparing('>='),
  in: comparing('in'),
};

const aliases: Record<string, string> = {
  equalto: 'eq',
  '==': 'eq',
  '!=': 'ne',
  lessthan: 'lt',
  '<': 'lt',
  '<=': 'le',
  greaterthan: 'gt',
  '>': 'gt',
  '>=': 'ge',
};

export const refusedTests: ReadonlyMap<string, string> = new Map([
  ['escaped', 'a prompt is plain text and never escaped'],
  ['filter', 'it asks about the engine, not about data'],
  ['test', 'it asks about the engine, not about data'],
]);

export function testNamed(name: string): Test | null {
  const found = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
  return Object.hasOwn(tests, found) ? (tests[found] ?? null) : null;
}

export const testNames: readonly string[] = [...Object.keys(tests), ...Object.keys(aliases)];

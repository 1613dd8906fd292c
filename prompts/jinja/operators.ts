import { compareTexts, lengthOf } from './code-points.ts';
import { percentFormat } from './formatting.ts';
import { float, int, isFloat, numberOf } from './numbers.ts';
import type { BinaryOperator, CompareOperator } from './syntax.ts';
import {
  bounded,
  dictEntries,
  dictGet,
  isDict,
  iterate,
  keyOf,
  Lazy,
  Range,
  RenderProblem,
  Tuple,
  typeName,
  Undefined,
  type UndefinedHandling,
  undefinedProblem,
  type Value,
  View,
  wrong,
} from './values.ts';

export function applyBinary(
  operator: BinaryOperator,
  left: Value,
  right: Value,
  mode: UndefinedHandling,
): Value {
  if (left instanceof Undefined) throw undefinedProblem(left);
  if (operator === '%' && typeof left === 'string') return percentFormat(left, right, mode);
  if (right instanceof Undefined) throw undefinedProblem(right);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== null && b !== null) {
    return arithmetic(operator, a, b, isFloat(left) || isFloat(right));
  }
  const joined = operator === '+' ? joinedSequences(left, right) : null;
  const repeated = operator === '*' ? (repeat(left, right) ?? repeat(right, left)) : null;
  const result = joined ?? repeated;
  if (result !== null) return result;
  throw wrong(
    `"${operator}" does not work between ${typeName(left)} and ${typeName(right)}; use ~ to join texts, or the int, float or string filter`,
  );
}

function arithmetic(operator: BinaryOperator, a: number, b: number, isInexact: boolean): Value {
  if (b === 0 && (operator === '/' || operator === '//' || operator === '%')) {
    throw wrong(`division by zero: ${a} ${operator} 0`);
  }
  const result = (value: number) => (isInexact ? float(value) : int(value));
  switch (operator) {
    case '+':
      return result(a + b);
    case '-':
      return result(a - b);
    case '*':
      return result(a * b);
    case '/':
      return float(a / b);
    case '//':
      return result(floorDivide(a, b));
    case '%':
      return result(modulo(a, b));
    case '**':
      return power(a, b, isInexact);
  }
}

/** Python's remainder has the sign of the divisor. */
function modulo(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Through the remainder, as Python does: Math.floor(a / b) is off by one where a / b rounds up. */
function floorDivide(a: number, b: number): number {
  return Math.round((a - modulo(a, b)) / b);
}

function power(a: number, b: number, isInexact: boolean): Value {
  if (a === 0 && b < 0) throw wrong('0 cannot be raised to a negative power');
  if (a < 0 && !Number.isInteger(b)) throw wrong(`${a} ** ${b} is not a real number`);
  return isInexact || b < 0 ? float(a ** b) : int(a ** b);
}

function joinedSequences(left: Value, right: Value): Value | null {
  if (typeof left === 'string' && typeof right === 'string') return left + right;
  if (Array.isArray(left) && Array.isArray(right)) {
    bounded(left.length + right.length);
    return [...left, ...right];
  }
  if (left instanceof Tuple && right instanceof Tuple) {
    bounded(left.items.length + right.items.length);
    return new Tuple([...left.items, ...right.items]);
  }
  return null;
}

/** Characters that a text may be repeated to: far beyond any prompt, far below the sandbox's memory. */
const repeatedTextMax = 2_000_000;

function repeat(sequence: Value, count: Value): Value | null {
  if (typeof count !== 'number' && typeof count !== 'boolean') return null;
  const times = Math.max(0, Number(count));
  if (!Number.isInteger(times)) return null;
  if (typeof sequence === 'string') {
    if (sequence.length * times <= repeatedTextMax) return sequence.repeat(times);
    throw new RenderProblem('render-limit', `a text repeated ${times} times is too long`);
  }
  const items = Array.isArray(sequence)
    ? sequence
    : sequence instanceof Tuple
      ? sequence.items
      : null;
  if (items === null) return null;
  const copies = Array.from(
    { length: bounded(times * items.length) },
    (_, index) => items[index % items.length] ?? null,
  );
  return sequence instanceof Tuple ? new Tuple(copies) : copies;
}

export function compareBy(operator: CompareOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return isEqual(left, right);
    case '!=':
      return !isEqual(left, right);
    case 'in':
      return isIn(left, right);
    case 'not in':
      return !isIn(left, right);
    case '<':
      return order(left, right, operator) < 0;
    case '<=':
      return order(left, right, operator) <= 0;
    case '>':
      return order(left, right, operator) > 0;
    case '>=':
      return order(left, right, operator) >= 0;
  }
}

export function isEqual(left: Value, right: Value): boolean {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== null && b !== null) return a === b;
  if (Array.isArray(left)) return Array.isArray(right) && areEqual(left, right);
  if (left instanceof Tuple) return right instanceof Tuple && areEqual(left.items, right.items);
  if (left instanceof Range) {
    return right instanceof Range && areEqual(iterate(left, 'error'), iterate(right, 'error'));
  }
  if (left instanceof Undefined) return right instanceof Undefined;
  if (isDict(left)) {
    if (!isDict(right)) return false;
    const [entries, others] = [dictEntries(left), dictEntries(right)];
    return (
      entries.length === others.length &&
      entries.every(([key, value]) => hasEqual(right, key, value))
    );
  }
  return left === right;
}

function hasEqual(dict: Value, key: Value, value: Value): boolean {
  const other = isDict(dict) ? dictGet(dict, key) : undefined;
  return other !== undefined && isEqual(value, other);
}

function areEqual(left: readonly Value[], right: readonly Value[]): boolean {
  return (
    left.length === right.length && left.every((item, index) => isEqual(item, right[index] ?? null))
  );
}

/** Membership. Nothing is in what is undefined, so that a condition over it is false. */
function isIn(item: Value, container: Value): boolean {
  if (container instanceof Undefined) return false;
  if (typeof container === 'string') {
    if (typeof item === 'string') return container.includes(item);
    if (item instanceof Undefined) throw undefinedProblem(item);
    throw wrong(`only text can be in text, not ${typeName(item)}`);
  }
  if (isDict(container)) return dictGet(container, keyOf(item)) !== undefined;
  if (numberOf(container) !== null || container === null) {
    throw wrong(`"in" needs a list, a dict or text on its right, not ${typeName(container)}`);
  }
  return iterate(container, 'error').some((other) => isEqual(item, other));
}

/** Negative, zero or positive, for values that Python can order; NaN is in no order with anything. */
export function order(left: Value, right: Value, operator = '<'): number {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== null && b !== null) return a === b ? 0 : a < b ? -1 : a > b ? 1 : Number.NaN;
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  const [first, second] = [sequenceOf(left), sequenceOf(right)];
  if (first !== null && second !== null && Array.isArray(left) === Array.isArray(right)) {
    return orderOfLists(first, second, operator);
  }
  if (left instanceof Undefined) throw undefinedProblem(left);
  if (right instanceof Undefined) throw undefinedProblem(right);
  throw wrong(`"${operator}" does not work between ${typeName(left)} and ${typeName(right)}`);
}

function sequenceOf(value: Value): readonly Value[] | null {
  if (Array.isArray(value)) return value;
  return value instanceof Tuple ? value.items : null;
}

function orderOfLists(left: readonly Value[], right: readonly Value[], operator: string): number {
  for (const [index, item] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (!isEqual(item, other)) return order(item, other, operator);
  }
  return left.length - right.length;
}

/** What Python's len() gives. */
export function countOf(value: Value, mode: UndefinedHandling): number {
  if (typeof value === 'string') return lengthOf(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple || value instanceof View) return value.items.length;
  if (value instanceof Lazy)
    throw wrong('a generator has no length; add "| list" before "| length"');
  if (value instanceof Range || value instanceof Undefined || isDict(value)) {
    return iterate(value, mode).length;
  }
  throw wrong(`a ${typeName(value)} has no length`);
}

import {
  type NamedValues,
  typeName,
  Undefined,
  type UndefinedHandling,
  undefinedProblem,
  type Value,
  wrong,
} from './values.ts';

/** Arguments of a method call, positional; only `format` and `update` take named ones. */
export interface MethodCall {
  readonly args: readonly Value[];
  readonly named: NamedValues;
  readonly mode: UndefinedHandling;
}
/** A method of texts, lists or dicts. */
export interface Method<T> {
  /** How many positional arguments are needed and allowed. */
  readonly arity: readonly [least: number, most: number];
  readonly run: (self: T, call: MethodCall) => Value;
}

/** An argument that must be a text. */
export function textArgument(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  if (value instanceof Undefined) throw undefinedProblem(value);
  throw wrong(`a text is needed here, not ${typeName(value ?? null)}`);
}

/** An argument that must be a whole number, or was left out. */
export function wholeArgument(value: Value | undefined, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (value instanceof Undefined) throw undefinedProblem(value);
  throw wrong(`a whole number is needed here, not ${typeName(value)}`);
}

import { Float, type Value, wrong } from './values.ts';

/** The number behind an int, a float or a bool; null for anything else. */
export function numberOf(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Float ? value.number : null;
}

export function isFloat(value: Value): boolean {
  return value instanceof Float || (typeof value === 'number' && !Number.isInteger(value));
}

/** A float as a value: whole ones are tagged, so that they print with ".0". */
export function float(value: number): Value {
  return Number.isInteger(value) ? new Float(value) : value;
}

/** An int as a value; fails where JavaScript's numbers are no longer exact. */
export function int(value: number): Value {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  throw wrong(`the result ${value} is beyond 9007199254740991, where whole numbers lose digits`);
}

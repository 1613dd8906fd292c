import type { Json, JsonObject } from './json.ts';
import type { Variable } from './template.ts';

/** One reason why seed data was refused, at its place in the input. */
export interface SeedProblem {
  /** Line of the input, 1-based; null where the problem is of the whole input. */
  readonly line: number | null;
  /** Index of the row, 0-based as `rowAt` counts; null where the problem is not of one row. */
  readonly row: number | null;
  /** What was wrong, the value seen, what is allowed, what to do. */
  readonly detail: string;
}

/** The id of the set whose normalised rows have this digest: the same rows are the same set. */
export function seedSetId(sha256: string): string {
  return `seeds_${sha256.slice(0, 26)}`;
}

const droppedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Whether normalisation drops this key wherever it stands. A template looks names up on the row, and these
 * reach behind it in JavaScript.
 */
export function isDroppedKey(key: string): boolean {
  return droppedKeys.has(key);
}

/** One line of the normalised rows, without its newline: the text that every digest of a row is over. */
export function rowText(row: JsonObject): string {
  return JSON.stringify(row);
}

/**
 * The value at a dotted path (`author.name`, `tags.0`), or undefined where the row has none. Null has no
 * members, lists have their indexes, and lists and texts have a `length`, as templates see them.
 */
export function valueAt(row: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = row;
  for (const name of path.split('.')) {
    value = memberOf(value, name);
    if (value === undefined) return undefined;
  }
  return value;
}

function memberOf(value: Json, name: string): Json | undefined {
  if (typeof value === 'string') return name === 'length' ? value.length : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  // Own members only: a template does not see what JavaScript puts behind every object.
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

/** Rows of one path: how many, and the indexes of the first five. */
export interface PathRows {
  readonly path: string;
  readonly rows: number;
  readonly first: readonly number[];
}

export interface VariableReport {
  /** Required variables that rows lack; each such row would fail. Paths that no row lacks are left out. */
  readonly missing: readonly PathRows[];
  /** Variables, whatever their use, that are null in rows. Paths that are null nowhere are left out. */
  readonly nulls: readonly PathRows[];
}

const firstRowsMax = 5;

/** Counts rows, one at a time, against the variables that a template reads. */
export interface VariableCount {
  add(row: JsonObject): void;
  report(): VariableReport;
}

export function countVariables(
  variables: readonly Pick<Variable, 'path' | 'use'>[],
): VariableCount {
  const required = new Set(variables.filter(({ use }) => use === 'required').map((v) => v.path));
  const tallies = [...new Set(variables.map(({ path }) => path))].map((path) => ({
    path,
    missing: emptyTally(path),
    nulls: emptyTally(path),
  }));
  let index = 0;

  function add(row: JsonObject): void {
    for (const { path, missing, nulls } of tallies) {
      const value = valueAt(row, path);
      if (value === undefined && required.has(path)) note(missing, index);
      if (value === null) note(nulls, index);
    }
    index += 1;
  }

  function report(): VariableReport {
    return {
      missing: tallies.map(({ missing }) => missing).filter(({ rows }) => rows > 0),
      nulls: tallies.map(({ nulls }) => nulls).filter(({ rows }) => rows > 0),
    };
  }

  return { add, report };
}

interface Tally extends PathRows {
  rows: number;
  readonly first: number[];
}

function emptyTally(path: string): Tally {
  return { path, rows: 0, first: [] };
}

function note(tally: Tally, index: number): void {
  tally.rows += 1;
  if (tally.first.length < firstRowsMax) tally.first.push(index);
}

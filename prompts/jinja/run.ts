import type { Prng } from '#domain/prng.ts';
import { type JsonDict, RenderProblem, type UndefinedHandling, type Value } from './values.ts';

/** What one rendering carries along. */
export interface Run {
  readonly mode: UndefinedHandling;
  readonly random: Prng;
  readonly row: JsonDict;
  /** The outputs of finished steps: `steps.<id>.output`. */
  readonly steps: JsonDict;
  /** Characters that may still be written; what a template writes and drops counts too. */
  charactersLeft: number;
  /** Characters and items that may still be gone through by operations that the engine cannot interrupt. */
  effortLeft: number;
}

/** Enough for a hundred passes over the longest prompt; spent in about half a second. */
export const effortMax = 20_000_000;

/** Counts one pass over a value that may be large. */
export function spend(run: Run, value: Value): void {
  if (typeof value !== 'string' && !Array.isArray(value)) return;
  run.effortLeft -= value.length;
  if (run.effortLeft >= 0) return;
  throw new RenderProblem('render-limit', 'too many operations on long texts or lists');
}

/** Names bound by the template, innermost first. */
export interface Scope {
  readonly names: Map<string, Value>;
  readonly parent: Scope | null;
  readonly run: Run;
}

export function openScope(run: Run, parent: Scope | null): Scope {
  return { names: new Map(), parent, run };
}

/** The value bound to a name, innermost scope first; undefined if no scope has it. */
export function boundName(scope: Scope, name: string): Value | undefined {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const value = at.names.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

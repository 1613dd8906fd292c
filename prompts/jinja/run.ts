import type { Prng } from '#domain/prng.ts';
import type { UndefinedHandling, Value } from './values.ts';

/** What one rendering carries along. */
export interface Run {
  readonly mode: UndefinedHandling;
  readonly random: Prng;
  /** The seed row's columns, and `steps`. */
  readonly row: Readonly<Record<string, Value>>;
  /** Characters that may still be written; what a template writes and drops counts too. */
  charactersLeft: number;
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

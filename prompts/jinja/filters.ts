import { type Bound, bindArguments } from './call-arguments.ts';
import { listFilters } from './list-filters.ts';
import type { Run } from './run.ts';
import { textFilters } from './text-filters.ts';
import type { NamedValues, Value } from './values.ts';

/** A filter: its parameters after the input, in Jinja2's names and order. */
export interface Filter {
  /** null: takes whatever it is given, and says itself what is wrong. */
  readonly parameters: readonly string[] | null;
  /** How many arguments it cannot do without. */
  readonly least: number;
  readonly run: (input: Value, args: Bound, call: FilterCall) => Value;
}

export interface FilterCall {
  readonly args: readonly Value[];
  readonly named: NamedValues;
  readonly run: Run;
  /** Applies another filter or test by name: what `map` and `select` do. */
  readonly filter: (
    name: string,
    input: Value,
    args: readonly Value[],
    named: NamedValues,
  ) => Value;
  readonly test: (name: string, input: Value, args: readonly Value[]) => boolean;
}

export const filters: ReadonlyMap<string, Filter> = new Map([
  ...Object.entries(textFilters),
  ...Object.entries(listFilters),
]);

/** Filters that Jinja2 has and a prompt has no use for, or whose effect cannot be the same here. */
export const refusedFilters: ReadonlyMap<string, string> = new Map([
  ['attr', 'it reaches into objects; write value.name or value[name]'],
  ['filesizeformat', 'write the size as you want it read'],
  ['pprint', 'use tojson(indent=2)'],
  ['striptags', 'clean the seed data instead'],
  ['urlize', 'it makes HTML links'],
  ['wordwrap', 'a model does not need wrapped lines'],
  ['xmlattr', 'it makes HTML attributes'],
]);

/** The result of a filter that validation has found to exist. */
export function applyFilter(name: string, input: Value, call: FilterCall): Value {
  const filter = filters.get(name);
  if (filter === undefined)
    throw new Error(`filter "${name}" passed validation and does not exist`);
  const bound = bindArguments(
    `filter "${name}"`,
    filter.parameters ?? [],
    filter.parameters === null ? [] : call.args,
    filter.parameters === null ? new Map() : call.named,
  );
  return filter.run(input, bound, call);
}

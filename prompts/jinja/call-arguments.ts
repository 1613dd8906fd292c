import { type NamedValues, Undefined, undefinedProblem, type Value, wrong } from './values.ts';

/** The arguments of one call, matched to the parameters that the function declares. */
export interface Bound {
  /** The value given for a parameter; undefined if it was left out. */
  get(name: string): Value | undefined;
  text(name: string, fallback: string): string;
  whole(name: string, fallback: number): number;
  flag(name: string, fallback: boolean): boolean;
}

export function bindArguments(
  label: string,
  parameters: readonly string[],
  args: readonly Value[],
  named: NamedValues,
): Bound {
  const values = new Map<string, Value>();
  if (args.length > parameters.length) {
    throw wrong(`${label} takes at most ${parameters.length} arguments, ${args.length} were given`);
  }
  for (const [index, value] of args.entries()) values.set(parameters[index] ?? '', value);
  for (const [name, value] of named) {
    if (!parameters.includes(name)) throw wrong(`${label} has no parameter "${name}"`);
    if (values.has(name)) throw wrong(`${label} was given "${name}" twice`);
    values.set(name, value);
  }
  const typed = <T>(
    name: string,
    fallback: T,
    convert: (value: Value) => T | null,
    what: string,
  ): T => {
    const value = values.get(name);
    if (value === undefined) return fallback;
    if (value instanceof Undefined) throw undefinedProblem(value);
    const converted = convert(value);
    if (converted === null) throw wrong(`"${name}" of ${label} must be ${what}`);
    return converted;
  };
  return {
    get: (name) => values.get(name),
    text: (name, fallback) =>
      typed(name, fallback, (value) => (typeof value === 'string' ? value : null), 'a text'),
    whole: (name, fallback) => typed(name, fallback, wholeOf, 'a whole number'),
    flag: (name, fallback) =>
      typed(
        name,
        fallback,
        (value) => (typeof value === 'boolean' ? value : null),
        'true or false',
      ),
  };
}

function wholeOf(value: Value): number | null {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' && Number.isInteger(value) ? value : null;
}

import { bindArguments } from './call-arguments.ts';
import {
  bounded,
  Callable,
  Dict,
  dictEntries,
  dictSet,
  isDict,
  type NamedValues,
  Namespace,
  Range,
  rangeLength,
  type Value,
  wrong,
} from './values.ts';

/** The functions that every template can call. */
export const functions: ReadonlyMap<string, Callable> = new Map(
  [
    new Callable('range', makeRange),
    new Callable('dict', makeDict),
    new Callable(
      'namespace',
      (args, named) => new Namespace('namespace', new Map(entriesOf(args, named))),
    ),
    new Callable('cycler', makeCycler),
    new Callable('joiner', makeJoiner),
  ].map((callable) => [callable.label, callable]),
);

export const refusedFunctions: ReadonlyMap<string, string> = new Map([
  ['lipsum', 'it makes random filler text'],
]);

function makeRange(args: readonly Value[], named: NamedValues): Value {
  if (named.size > 0) throw wrong('range takes no named arguments');
  const names = args.length === 1 ? ['stop'] : ['start', 'stop', 'step'];
  const bound = bindArguments('range', names, args, named);
  if (args.length === 0) throw wrong('range needs at least one number');
  const range = new Range(bound.whole('start', 0), bound.whole('stop', 0), bound.whole('step', 1));
  if (range.step === 0) throw wrong('the step of range cannot be 0');
  bounded(rangeLength(range));
  return range;
}

function makeDict(args: readonly Value[], named: NamedValues): Value {
  const dict = new Dict();
  for (const [key, value] of entriesOf(args, named)) dictSet(dict, key, value);
  return dict;
}

function entriesOf(args: readonly Value[], named: NamedValues): [string, Value][] {
  const [first] = args;
  if (args.length > 1 || (first !== undefined && !isDict(first))) {
    throw wrong('dict and namespace take one dict, and named values');
  }
  const entries = first === undefined ? [] : dictEntries(first);
  return [...entries, ...named].map(([key, value]) => {
    if (typeof key !== 'string') throw wrong('dict and namespace take text keys here');
    return [key, value];
  });
}

function makeCycler(args: readonly Value[], named: NamedValues): Value {
  if (args.length === 0 || named.size > 0) throw wrong('cycler needs at least one item');
  let position = 0;
  const attributes = new Map<string, Value>();
  const show = () => attributes.set('current', args[position] ?? null);
  const next = () => {
    const item = args[position] ?? null;
    position = (position + 1) % args.length;
    show();
    return item;
  };
  const reset = () => {
    position = 0;
    show();
    return null;
  };
  attributes.set('next', new Callable('next', next)).set('reset', new Callable('reset', reset));
  show();
  return new Namespace('cycler', attributes);
}

function makeJoiner(args: readonly Value[], named: NamedValues): Value {
  const separator = bindArguments('joiner', ['sep'], args, named).text('sep', ', ');
  let isFirst = true;
  return new Callable('joiner', () => {
    const text = isFirst ? '' : separator;
    isFirst = false;
    return text;
  });
}

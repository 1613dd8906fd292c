import type { Bound } from './call-arguments.ts';
import type { Filter, FilterCall } from './filters.ts';
import { itemOf } from './members.ts';
import { applyBinary, countOf, isEqual, order } from './operators.ts';
import { textOf } from './printing.ts';
import {
  bounded,
  dictEntries,
  isDict,
  isTrue,
  iterate,
  keyOf,
  Lazy,
  shown,
  Tuple,
  typeName,
  Undefined,
  type UndefinedHandling,
  undefinedProblem,
  type Value,
  wrong,
} from './values.ts';

/** A dotted attribute path of an item: `author.name`, `0`, `tags.1`. */
function attributeOfItem(item: Value, path: Value, mode: UndefinedHandling): Value {
  const parts = typeof path === 'string' ? path.split('.') : [path];
  return parts.reduce((found: Value, part) => {
    const key = typeof part === 'string' && /^\d+$/.test(part) ? Number(part) : part;
    return itemOf(found, key, { path: shown(path), line: 0 }, mode);
  }, item);
}

/** What items are sorted, grouped and compared by: an attribute or themselves, ignoring case unless asked. */
function sortKey(
  args: Bound,
  mode: UndefinedHandling,
  isCaseSensitive: boolean,
): (item: Value) => Value {
  const attribute = args.get('attribute') ?? null;
  return (item) => {
    const key = attribute === null ? item : attributeOfItem(item, attribute, mode);
    return !isCaseSensitive && typeof key === 'string' ? key.toLowerCase() : key;
  };
}

/** A stable sort; equal items keep their order in both directions, as in Python. */
function sorted(items: readonly Value[], key: (item: Value) => Value, isReverse: boolean): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  const sign = isReverse ? -1 : 1;
  if (keyed.length === 1 && keyed[0]?.key instanceof Undefined) return [...items];
  return keyed.sort((a, b) => sign * order(a.key, b.key)).map(({ item }) => item);
}

function sortedByAttributes(
  items: readonly Value[],
  args: Bound,
  mode: UndefinedHandling,
): Value[] {
  const isCaseSensitive = args.flag('case_sensitive', false);
  const attribute = args.get('attribute') ?? null;
  const isReverse = args.flag('reverse', false);
  if (typeof attribute !== 'string' || !attribute.includes(',')) {
    return sorted(items, sortKey(args, mode, isCaseSensitive), isReverse);
  }
  const paths = attribute.split(',');
  const key = (item: Value) =>
    paths.map((path) => {
      const value = attributeOfItem(item, path, mode);
      return !isCaseSensitive && typeof value === 'string' ? value.toLowerCase() : value;
    });
  return sorted(items, key, isReverse);
}

function unique(items: readonly Value[], key: (item: Value) => Value): Value[] {
  const seen = new Set<Value>();
  return items.filter((item) => {
    const value = key(item);
    const place = value instanceof Tuple ? textOf(value, 'error') : keyOf(value);
    if (seen.has(place)) return false;
    seen.add(place);
    return true;
  });
}

function extreme(sign: 1 | -1): Filter {
  return {
    parameters: ['case_sensitive', 'attribute'],
    least: 0,
    run: (input, args, { run }) => {
      const items = iterate(input, run.mode);
      const key = sortKey(args, run.mode, args.flag('case_sensitive', false));
      const [first] = items;
      if (first === undefined)
        return new Undefined('', 0, 'the smallest or largest of an empty list is undefined');
      return items.reduce((best, item) => (sign * order(key(item), key(best)) < 0 ? item : best));
    },
  };
}

/** map('filter', …) or map(attribute='path', default=…). */
function mapped(input: Value, { args, named, run, filter }: FilterCall): Value {
  const items = iterate(input, run.mode);
  const attribute = named.get('attribute');
  if (args.length === 0 && attribute !== undefined) {
    const fallback = named.get('default');
    return new Lazy(
      items.map((item) => {
        const found = attributeOfItem(item, attribute, run.mode);
        return found instanceof Undefined && fallback !== undefined ? fallback : found;
      }),
    );
  }
  const [name, ...rest] = args;
  if (typeof name !== 'string') throw wrong('map needs the name of a filter or attribute=…');
  return new Lazy(items.map((item) => filter(name, item, rest, named)));
}

function selecting(isKept: boolean, isByAttribute: boolean): Filter {
  return {
    parameters: null,
    least: isByAttribute ? 1 : 0,
    run: (input, _, { args, run, test }) => {
      const [attribute, rest] = isByAttribute ? [args[0], args.slice(1)] : [undefined, args];
      const [name, ...testArgs] = rest;
      const passes = (item: Value) => {
        const value = attribute === undefined ? item : attributeOfItem(item, attribute, run.mode);
        return typeof name === 'string' ? test(name, value, testArgs) : isTrue(value);
      };
      return new Lazy(iterate(input, run.mode).filter((item) => passes(item) === isKept));
    },
  };
}

function grouped(input: Value, args: Bound, mode: UndefinedHandling): Value {
  const attribute = args.get('attribute') ?? null;
  const fallback = args.get('default');
  const isCaseSensitive = args.flag('case_sensitive', false);
  const raw = (item: Value) => {
    const found = attributeOfItem(item, attribute, mode);
    return found instanceof Undefined && fallback !== undefined ? fallback : found;
  };
  const key = (item: Value) => {
    const value = raw(item);
    return !isCaseSensitive && typeof value === 'string' ? value.toLowerCase() : value;
  };
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(iterate(input, mode), key, false)) {
    const last = groups[groups.length - 1];
    if (last !== undefined && isEqual(last.key, key(item))) last.items.push(item);
    else groups.push({ key: key(item), items: [item] });
  }
  return groups.map(({ items }) => new Tuple([raw(items[0] ?? null), items], ['grouper', 'list']));
}

function batched(items: readonly Value[], count: number, fill: Value | undefined): Value {
  if (count < 1) throw wrong('batch needs a count of 1 or more');
  const rows: Value[][] = [];
  for (let at = 0; at < items.length; at += count) rows.push(items.slice(at, at + count));
  const last = rows[rows.length - 1];
  if (last !== undefined && fill !== undefined && fill !== null) {
    while (last.length < bounded(count)) last.push(fill);
  }
  return new Lazy(rows);
}

function sliced(items: readonly Value[], count: number, fill: Value | undefined): Value {
  if (count < 1) throw wrong('slice needs a count of 1 or more');
  const each = Math.floor(items.length / bounded(count));
  const extra = items.length % count;
  const columns = Array.from({ length: count }, (_, index) => {
    const start = index * each + Math.min(index, extra);
    const column = items.slice(start, start + each + (index < extra ? 1 : 0));
    if (fill !== undefined && fill !== null && index >= extra) column.push(fill);
    return column;
  });
  return new Lazy(columns);
}

function reversed(input: Value, mode: UndefinedHandling): Value {
  if (typeof input === 'string') return Array.from(input).reverse().join('');
  if (input instanceof Undefined && mode === 'error') throw undefinedProblem(input);
  if (input === null || typeof input === 'number' || typeof input === 'boolean') {
    throw wrong(`a ${typeName(input)} cannot be reversed`);
  }
  return new Lazy([...iterate(input, mode)].reverse());
}

function dictSorted(input: Value, args: Bound): Value {
  if (input instanceof Undefined) throw undefinedProblem(input);
  if (!isDict(input)) throw wrong(`dictsort needs a dict, not ${typeName(input)}`);
  const by = args.text('by', 'key');
  if (by !== 'key' && by !== 'value')
    throw wrong(`dictsort sorts by "key" or "value", not "${by}"`);
  const isCaseSensitive = args.flag('case_sensitive', false);
  const key = (entry: Value) => {
    const part = entry instanceof Tuple ? (entry.items[by === 'key' ? 0 : 1] ?? null) : entry;
    return !isCaseSensitive && typeof part === 'string' ? part.toLowerCase() : part;
  };
  return sorted(
    dictEntries(input).map((entry) => new Tuple(entry)),
    key,
    args.flag('reverse', false),
  );
}

function picking(
  what: string,
  pick: (items: readonly Value[], call: FilterCall) => Value | undefined,
): Filter {
  return {
    parameters: [],
    least: 0,
    run: (input, _, call) => {
      const found = pick(iterate(input, call.run.mode), call);
      return found === undefined
        ? new Undefined('', 0, `the ${what} of an empty list is undefined`)
        : found;
    },
  };
}

export const listFilters: Record<string, Filter> = {
  default: {
    parameters: ['default_value', 'boolean'],
    least: 0,
    run: (input, args) => {
      const isMissing =
        input instanceof Undefined || (args.flag('boolean', false) && !isTrue(input));
      const fallback = args.get('default_value');
      return isMissing ? (fallback === undefined ? '' : fallback) : input;
    },
  },
  length: { parameters: [], least: 0, run: (input, _, { run }) => countOf(input, run.mode) },
  list: { parameters: [], least: 0, run: (input, _, { run }) => [...iterate(input, run.mode)] },
  first: picking('first item', (items) => items[0]),
  last: {
    parameters: [],
    least: 0,
    run: (input, _, { run }) => {
      if (input instanceof Lazy)
        throw wrong('the last item of a generator needs a list; add "| list"');
      const last = iterate(input, run.mode).at(-1);
      return last === undefined
        ? new Undefined('', 0, 'the last item of an empty list is undefined')
        : last;
    },
  },
  random: picking('random item', (items, { run }) => items[run.random.below(items.length)]),
  join: {
    parameters: ['d', 'attribute'],
    least: 0,
    run: (input, args, { run }) => {
      const attribute = args.get('attribute') ?? null;
      const separator = textOf(args.get('d') ?? '', run.mode);
      return iterate(input, run.mode)
        .map((item) => (attribute === null ? item : attributeOfItem(item, attribute, run.mode)))
        .map((item) => textOf(item, run.mode))
        .join(separator);
    },
  },
  sort: {
    parameters: ['reverse', 'case_sensitive', 'attribute'],
    least: 0,
    run: (input, args, { run }) => sortedByAttributes(iterate(input, run.mode), args, run.mode),
  },
  unique: {
    parameters: ['case_sensitive', 'attribute'],
    least: 0,
    run: (input, args, { run }) => {
      const key = sortKey(args, run.mode, args.flag('case_sensitive', false));
      return new Lazy(unique(iterate(input, run.mode), key));
    },
  },
  sum: {
    parameters: ['attribute', 'start'],
    least: 0,
    run: (input, args, { run }) => {
      const attribute = args.get('attribute') ?? null;
      return iterate(input, run.mode)
        .map((item) => (attribute === null ? item : attributeOfItem(item, attribute, run.mode)))
        .reduce(
          (total: Value, item) => applyBinary('+', total, item, run.mode),
          args.get('start') ?? 0,
        );
    },
  },
  min: extreme(1),
  max: extreme(-1),
  map: { parameters: null, least: 0, run: (input, _, call) => mapped(input, call) },
  select: selecting(true, false),
  reject: selecting(false, false),
  selectattr: selecting(true, true),
  rejectattr: selecting(false, true),
  groupby: {
    parameters: ['attribute', 'default', 'case_sensitive'],
    least: 1,
    run: (input, args, { run }) => grouped(input, args, run.mode),
  },
  batch: {
    parameters: ['linecount', 'fill_with'],
    least: 1,
    run: (input, args, { run }) =>
      batched(iterate(input, run.mode), args.whole('linecount', 0), args.get('fill_with')),
  },
  slice: {
    parameters: ['slices', 'fill_with'],
    least: 1,
    run: (input, args, { run }) =>
      sliced(iterate(input, run.mode), args.whole('slices', 0), args.get('fill_with')),
  },
  reverse: { parameters: [], least: 0, run: (input, _, { run }) => reversed(input, run.mode) },
  dictsort: {
    parameters: ['case_sensitive', 'by', 'reverse'],
    least: 0,
    run: (input, args) => dictSorted(input, args),
  },
  items: {
    parameters: [],
    least: 0,
    run: (input) => {
      if (input instanceof Undefined) return new Lazy([]);
      if (!isDict(input)) throw wrong(`items needs a dict, not ${typeName(input)}`);
      return new Lazy(dictEntries(input).map((entry) => new Tuple(entry)));
    },
  },
};

for (const [alias, name] of [
  ['d', 'default'],
  ['count', 'length'],
] as const) {
  const filter = listFilters[name];
  if (filter !== undefined) listFilters[alias] = filter;
}

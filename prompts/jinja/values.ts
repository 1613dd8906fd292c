import type { RenderFailureKind } from '#domain/failure.ts';
import { truncated } from './code-points.ts';

/**
 * The values of a template, with Python's meaning. Seed rows arrive as plain JSON; what JSON cannot express is a
 * class here, because a row could imitate any tag: it cannot imitate a prototype.
 */
export type Value =
  | null
  | boolean
  | number
  | string
  | Value[]
  | JsonDict
  | Dict
  | Tuple
  | Float
  | Range
  | Lazy
  | View
  | Namespace
  | Callable
  | Undefined;

/** A dict from a seed row. Only its own properties are ever read. */
export interface JsonDict {
  [key: string]: Value;
}

/** A float that is a whole number. Other floats are plain numbers, and whole plain numbers are ints. */
export class Float {
  readonly number: number;
  constructor(number: number) {
    this.number = number;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  /** Names of the items, for the groups that groupby makes. */
  readonly labels: readonly string[];
  constructor(items: readonly Value[], labels: readonly string[] = []) {
    this.items = items;
    this.labels = labels;
  }
}

/** A dict made in the template: keys keep their order, and the type they were first written with. */
export class Dict {
  readonly entries = new Map<Value, [key: Value, value: Value]>();
}

export class Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  constructor(start: number, stop: number, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** A generator: it can be read once, as in Python. */
export class Lazy {
  items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What `dict.keys()`, `.values()` and `.items()` return. */
export class View {
  readonly kind: 'keys' | 'values' | 'items';
  readonly items: readonly Value[];
  constructor(kind: 'keys' | 'values' | 'items', items: readonly Value[]) {
    this.kind = kind;
    this.items = items;
  }
}

/** `namespace(...)`, and what has attributes without being data: `loop`, `cycler`, `joiner`. */
export class Namespace {
  readonly label: string;
  readonly attributes: Attributes;
  constructor(label: string, attributes: Attributes) {
    this.label = label;
    this.attributes = attributes;
  }
}

/** A Map is one; `loop` computes its attributes when they are read, because some look ahead. */
export interface Attributes {
  get(name: string): Value | undefined;
  set(name: string, value: Value): unknown;
}

export type NamedValues = ReadonlyMap<string, Value>;

export class Callable {
  readonly label: string;
  readonly call: (args: readonly Value[], named: NamedValues) => Value;
  constructor(label: string, call: (args: readonly Value[], named: NamedValues) => Value) {
    this.label = label;
    this.call = call;
  }
}

/** A name or attribute that is not there. It may be tested and defaulted; needing its value is a failure. */
export class Undefined {
  /** What the template wrote, for instance `author.name`. */
  readonly path: string;
  readonly line: number;
  readonly reason: string;
  /** An `if` without `else` prints as nothing where it is false: Jinja2 says so even in its strict mode. */
  readonly isBlank: boolean;
  /** The first part of the path that is not there. */
  readonly root: string;
  constructor(
    path: string,
    line: number,
    reason: string,
    more: { isBlank?: boolean; root?: string } = {},
  ) {
    this.path = path;
    this.line = line;
    this.reason = reason;
    this.isBlank = more.isBlank ?? false;
    this.root = more.root ?? path;
  }
}

/** A rendering that cannot go on. The line is filled in by the node that was being evaluated. */
export class RenderProblem extends Error {
  readonly kind: RenderFailureKind;
  line: number | null;
  /** The variable that was undefined, if that is what went wrong. */
  readonly path: string | null;
  constructor(
    kind: RenderFailureKind,
    detail: string,
    line: number | null = null,
    path: string | null = null,
  ) {
    super(detail);
    this.kind = kind;
    this.line = line;
    this.path = path;
  }
}

export function wrong(detail: string): RenderProblem {
  return new RenderProblem('template-error', detail);
}

export function undefinedProblem(value: Undefined): RenderProblem {
  return new RenderProblem('undefined-variable', value.reason, value.line, value.path);
}

/** Items of one list, range or repeated sequence; the same bound as Jinja2's sandbox has for range. */
export const itemsMax = 100_000;

export function bounded(count: number): number {
  if (count <= itemsMax) return count;
  throw new RenderProblem('render-limit', `${count} items are more than the ${itemsMax} allowed`);
}

export function isDict(value: Value): value is JsonDict | Dict {
  if (value instanceof Dict) return true;
  return typeof value === 'object' && value !== null && isPlain(value);
}

function isPlain(value: object): boolean {
  return !Array.isArray(value) && Object.getPrototypeOf(value) === Object.prototype;
}

export function dictGet(dict: JsonDict | Dict, key: Value): Value | undefined {
  if (dict instanceof Dict) return dict.entries.get(keyOf(key))?.[1];
  return typeof key === 'string' && Object.hasOwn(dict, key) ? dict[key] : undefined;
}

export function dictSet(dict: JsonDict | Dict, key: Value, value: Value): void {
  if (dict instanceof Dict) {
    const place = keyOf(key);
    dict.entries.set(place, [dict.entries.get(place)?.[0] ?? key, value]);
  } else if (typeof key === 'string') {
    // Assignment would run the setter of "__proto__"; a definition only ever makes an own property.
    Object.defineProperty(dict, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    throw wrong(`a dict of the seed row takes only text keys, not ${typeName(key)}`);
  }
}

export function dictEntries(dict: JsonDict | Dict): [Value, Value][] {
  return dict instanceof Dict ? [...dict.entries.values()] : Object.entries(dict);
}

/** In Python 1, 1.0 and True are the same key. */
export function keyOf(key: Value): Value {
  if (key instanceof Float) return key.number;
  if (typeof key === 'boolean') return key ? 1 : 0;
  if (key instanceof Undefined) throw undefinedProblem(key);
  if (typeof key === 'object' && key !== null) {
    throw wrong(`a ${typeName(key)} cannot be the key of a dict here; use text or a number`);
  }
  return key;
}

/** Python's name of the type, as its error messages have it. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (typeof value === 'string') return 'str';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Float) return 'float';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Range) return 'range';
  if (value instanceof Lazy) return 'generator';
  if (value instanceof View) return `dict_${value.kind}`;
  if (value instanceof Namespace) return value.label;
  if (value instanceof Callable) return 'function';
  if (value instanceof Undefined) return 'undefined';
  return 'dict';
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Float) return value.number !== 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple || value instanceof View) return value.items.length > 0;
  if (value instanceof Range) return rangeLength(value) > 0;
  if (isDict(value)) return dictEntries(value).length > 0;
  return true;
}

export function rangeLength({ start, stop, step }: Range): number {
  return Math.max(0, Math.ceil((stop - start) / step));
}

/** The items that a loop over the value sees. A generator is empty afterwards. */
export function iterate(value: Value, mode: UndefinedHandling): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return Array.from(value);
  if (value instanceof Tuple || value instanceof View) return value.items;
  if (value instanceof Range) {
    const { start, step } = value;
    return Array.from({ length: rangeLength(value) }, (_, index) => start + index * step);
  }
  if (value instanceof Lazy) {
    const { items } = value;
    value.items = [];
    return items;
  }
  if (value instanceof Undefined) {
    if (mode === 'empty' || value.isBlank) return [];
    throw undefinedProblem(value);
  }
  if (isDict(value)) return dictEntries(value).map(([key]) => key);
  throw wrong(`${shown(value)} is not a list: a ${typeName(value)} cannot be looped over`);
}

/** What happens where the value of something undefined is needed. */
export type UndefinedHandling = 'error' | 'empty';

/** A value in an error message, short. */
export function shown(value: Value): string {
  if (typeof value === 'string') return truncated(JSON.stringify(value), 40);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Float) return value.number.toFixed(1);
  return value === null ? 'None' : `a ${typeName(value)}`;
}

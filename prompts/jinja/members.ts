import { between, lengthOf } from './code-points.ts';
import { boundMethod, dictMethodNames } from './methods.ts';
import {
  Callable,
  dictGet,
  isDict,
  iterate,
  Lazy,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  shown,
  type UndefinedHandling,
  undefinedProblem,
  type Value,
  wrong,
} from './values.ts';

/** Where a lookup is written, for the message if nothing is there. */
export interface Place {
  readonly path: string;
  readonly line: number;
}

/** `object.name`: a method or attribute first, then a key, as Jinja2 looks. */
export function attributeOf(
  object: Value,
  name: string,
  place: Place,
  mode: UndefinedHandling,
): Value {
  if (object instanceof Undefined) return deeper(object, place);
  if (object instanceof Namespace) {
    return present(object.attributes.get(name), object, name, place);
  }
  if (object instanceof Tuple && object.labels.includes(name)) {
    return present(object.items[object.labels.indexOf(name)], object, name, place);
  }
  const method = boundMethod(object, name, mode);
  if (method !== null) return new Callable(name, method);
  if (isDict(object)) {
    if (dictMethodNames.has(name)) {
      throw wrong(
        `"${name}" is a method of every dict; write ['${name}'] for the field of that name`,
      );
    }
    return present(dictGet(object, name), object, name, place);
  }
  return missing(object, name, place);
}

/** `object[key]`: an item or key first, then an attribute. */
export function itemOf(object: Value, key: Value, place: Place, mode: UndefinedHandling): Value {
  if (object instanceof Undefined) return deeper(object, place);
  if (key instanceof Undefined) throw undefinedProblem(key);
  if (isDict(object)) {
    const found = typeof key === 'object' && key !== null ? undefined : dictGet(object, key);
    if (found !== undefined) return found;
    return typeof key === 'string'
      ? methodOr(object, key, place, mode)
      : missing(object, key, place);
  }
  if (typeof key === 'string') return methodOr(object, key, place, mode);
  const index = typeof key === 'boolean' ? Number(key) : key;
  if (typeof index !== 'number' || !Number.isInteger(index)) return missing(object, key, place);
  return present(atIndex(object, index), object, key, place);
}

function methodOr(object: Value, name: string, place: Place, mode: UndefinedHandling): Value {
  const method = boundMethod(object, name, mode);
  return method === null ? missing(object, name, place) : new Callable(name, method);
}

function atIndex(object: Value, index: number): Value | undefined {
  if (typeof object === 'string') {
    const length = lengthOf(object);
    const at = index < 0 ? index + length : index;
    return at >= 0 && at < length ? between(object, at, at + 1) : undefined;
  }
  if (!Array.isArray(object) && !(object instanceof Tuple) && !(object instanceof Range))
    return undefined;
  return iterate(object, 'error').at(index);
}

/** None is present: only what is absent is undefined. */
function present(found: Value | undefined, object: Value, key: Value, place: Place): Value {
  return found === undefined ? missing(object, key, place) : found;
}

/** The message names what the template wrote and what was there instead. */
function missing(object: Value, key: Value, place: Place): Undefined {
  const what = typeof key === 'string' ? `"${key}"` : shown(key);
  const owner = isDict(object) ? 'there is no' : `a ${typeName(object)} has no`;
  return new Undefined(place.path, place.line, `'${place.path}' is undefined: ${owner} ${what}`);
}

/** Part of something undefined: still undefined, and only needing its value is a failure. */
function deeper(object: Undefined, place: Place): Undefined {
  const reason = `'${place.path}' is undefined: there is no '${object.root}'`;
  return new Undefined(place.path, place.line, reason, { root: object.root });
}

/** `object[start:stop:step]`, with Python's clipping and negative positions. */
export function sliceOf(object: Value, bounds: readonly (Value | null)[]): Value {
  const [start = null, stop = null, step = null] = bounds.map(boundOf);
  if (object instanceof Undefined) throw undefinedProblem(object);
  if (typeof object === 'string') {
    const isSimple = (step ?? 1) === 1 && (start ?? 0) >= 0 && (stop ?? 0) >= 0;
    if (isSimple) return between(object, start ?? 0, stop ?? object.length);
    return picked(Array.from(object), start, stop, step ?? 1).join('');
  }
  if (object instanceof Tuple) return new Tuple(picked(object.items, start, stop, step ?? 1));
  if (Array.isArray(object)) return picked(object, start, stop, step ?? 1);
  if (object instanceof Range)
    throw wrong('a range cannot be sliced here; write range(start, stop)');
  if (object instanceof Lazy)
    throw wrong('a generator cannot be sliced; add "| list" before the slice');
  throw wrong(`a ${typeName(object)} cannot be sliced`);
}

function boundOf(value: Value): number | null {
  if (value === null) return null;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (value instanceof Undefined) throw undefinedProblem(value);
  throw wrong(`slices need whole numbers, not ${typeName(value)}`);
}

function picked<T>(
  items: readonly T[],
  start: number | null,
  stop: number | null,
  step: number,
): T[] {
  if (step === 0) throw wrong('the step of a slice cannot be 0');
  const { length } = items;
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
  const clip = (at: number) => Math.min(highest, Math.max(lowest, at < 0 ? at + length : at));
  const from = start === null ? (step > 0 ? lowest : highest) : clip(start);
  const to = stop === null ? (step > 0 ? highest : lowest) : clip(stop);
  const result: T[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) {
    const item = items[at];
    if (item !== undefined) result.push(item);
  }
  return result;
}

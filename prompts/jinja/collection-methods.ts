import { type Method, wholeArgument } from './method.ts';
import { isEqual } from './operators.ts';
import {
  bounded,
  Dict,
  dictEntries,
  dictGet,
  dictSet,
  isDict,
  iterate,
  type JsonDict,
  Tuple,
  type Value,
  View,
  wrong,
} from './values.ts';

function counted(items: readonly Value[], wanted: Value | undefined): number {
  return items.filter((item) => isEqual(item, wanted ?? null)).length;
}

function placeOf(items: readonly Value[], wanted: Value | undefined): number {
  const at = items.findIndex((item) => isEqual(item, wanted ?? null));
  if (at < 0) throw wrong('index() did not find that item in the list');
  return at;
}

export const tupleMethods: Record<string, Method<Tuple>> = {
  count: { arity: [1, 1], run: (self, { args }) => counted(self.items, args[0]) },
  index: { arity: [1, 1], run: (self, { args }) => placeOf(self.items, args[0]) },
};

export const listMethods: Record<string, Method<Value[]>> = {
  count: { arity: [1, 1], run: (self, { args }) => counted(self, args[0]) },
  index: { arity: [1, 1], run: (self, { args }) => placeOf(self, args[0]) },
  append: {
    arity: [1, 1],
    run: (self, { args }) => {
      bounded(self.length + 1);
      self.push(args[0] ?? null);
      return null;
    },
  },
  extend: {
    arity: [1, 1],
    run: (self, { args, mode }) => {
      const items = [...iterate(args[0] ?? null, mode)];
      bounded(self.length + items.length);
      self.push(...items);
      return null;
    },
  },
  insert: {
    arity: [2, 2],
    run: (self, { args }) => {
      bounded(self.length + 1);
      self.splice(wholeArgument(args[0], 0), 0, args[1] ?? null);
      return null;
    },
  },
  pop: {
    arity: [0, 1],
    run: (self, { args }) => {
      const at = wholeArgument(args[0], -1);
      const [popped] = self.splice(at, 1);
      if (popped === undefined || Math.abs(at) > self.length + 1)
        throw wrong(`pop(${at}) is outside the list`);
      return popped;
    },
  },
};

export const dictMethods: Record<string, Method<JsonDict | Dict>> = {
  items: {
    arity: [0, 0],
    run: (self) =>
      new View(
        'items',
        dictEntries(self).map((entry) => new Tuple(entry)),
      ),
  },
  keys: {
    arity: [0, 0],
    run: (self) =>
      new View(
        'keys',
        dictEntries(self).map(([key]) => key),
      ),
  },
  values: {
    arity: [0, 0],
    run: (self) =>
      new View(
        'values',
        dictEntries(self).map(([, value]) => value),
      ),
  },
  get: {
    arity: [1, 2],
    run: (self, { args }) => {
      const found = dictGet(self, args[0] ?? null);
      return found === undefined ? (args[1] ?? null) : found;
    },
  },
  copy: {
    arity: [0, 0],
    run: (self) => {
      const copy = new Dict();
      for (const [key, value] of dictEntries(self)) dictSet(copy, key, value);
      return copy;
    },
  },
  update: {
    arity: [0, 1],
    run: (self, { args, named }) => {
      const [other] = args;
      if (other !== undefined && !isDict(other))
        throw wrong('update() takes a dict or named values');
      const entries = other === undefined ? [] : dictEntries(other);
      for (const [key, value] of [...entries, ...named]) dictSet(self, key, value);
      return null;
    },
  },
};

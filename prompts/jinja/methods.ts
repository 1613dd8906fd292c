import { dictMethods, listMethods, tupleMethods } from './collection-methods.ts';
import type { Method } from './method.ts';
import { textMethods } from './text-methods.ts';
import {
  isDict,
  type NamedValues,
  Tuple,
  type UndefinedHandling,
  type Value,
  wrong,
} from './values.ts';

/** The method of that name on the value's type, bound to it; null if its type has none. */
export function boundMethod(
  self: Value,
  name: string,
  mode: UndefinedHandling,
): ((args: readonly Value[], named: NamedValues) => Value) | null {
  if (typeof self === 'string') return bind(textMethods, self, name, mode);
  if (Array.isArray(self)) return bind(listMethods, self, name, mode);
  if (self instanceof Tuple) return bind(tupleMethods, self, name, mode);
  return isDict(self) ? bind(dictMethods, self, name, mode) : null;
}

function bind<T>(
  methods: Record<string, Method<T>>,
  self: T,
  name: string,
  mode: UndefinedHandling,
) {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined) return null;
  return (args: readonly Value[], named: NamedValues) => {
    const [least, most] = method.arity;
    if (args.length < least || args.length > most) {
      throw wrong(
        `${name}() takes ${least === most ? least : `${least} to ${most}`} arguments, ${args.length} were given`,
      );
    }
    if (named.size > 0 && name !== 'format' && name !== 'update') {
      throw wrong(`${name}() takes no named arguments; give them by position`);
    }
    return method.run(self, { args, named, mode });
  };
}

export const methodNames: ReadonlySet<string> = new Set(
  [textMethods, listMethods, dictMethods].flatMap((methods) => Object.keys(methods)),
);

/** Attributes that Python dicts have and these do not: a field of that name needs a subscript in Jinja2. */
export const dictMethodNames: ReadonlySet<string> = new Set([
  ...Object.keys(dictMethods),
  'clear',
  'fromkeys',
  'pop',
  'popitem',
  'setdefault',
]);

import {
  compileCall,
  compileExpression,
  compileFilter,
  type Evaluate,
} from './compile-expression.ts';
import { isEqual } from './operators.ts';
import { textOf } from './printing.ts';
import { boundName, openScope, type Run, type Scope } from './run.ts';
import type { FilterUse, ForStatement, MacroBody, Statement, Target } from './syntax.ts';
import {
  Callable,
  isTrue,
  iterate,
  Namespace,
  type NamedValues,
  RenderProblem,
  Undefined,
  type Value,
  wrong,
} from './values.ts';

/** Writes its part of the text into `out`. */
type Write = (scope: Scope, out: string[]) => void;

/** A compiled template text: what one run of it prints. Throws RenderProblem. */
export function compileTemplate(body: readonly Statement[]): (run: Run) => string {
  const write = compileBody(body);
  return (run) => printed(write, openScope(run, null));
}

function printed(write: Write, scope: Scope): string {
  const out: string[] = [];
  write(scope, out);
  return out.join('');
}

function compileBody(body: readonly Statement[]): Write {
  const writers = body.map(compileStatement);
  return (scope, out) => {
    for (const write of writers) write(scope, out);
  };
}

function compileStatement(statement: Statement): Write {
  switch (statement.kind) {
    case 'text':
      return (scope, out) => emit(scope, out, statement.text);
    case 'output':
      return compileOutput(compileExpression(statement.value), statement.line);
    case 'if':
      return compileIf(statement);
    case 'for':
      return compileFor(statement);
    case 'set':
      return compileSet(statement.target, compileExpression(statement.value));
    case 'set-block':
      return compileSet(statement.target, captured(statement.body, statement.filters));
    case 'filter-block':
      return compileOutput(captured(statement.body, statement.filters), statement.line);
    case 'macro':
      return compileMacro(statement);
    case 'call-block':
      return compileCallBlock(statement);
    case 'with':
      return compileWith(statement);
  }
}

function emit({ run }: Scope, out: string[], text: string): void {
  run.charactersLeft -= text.length;
  if (run.charactersLeft < 0) {
    throw new RenderProblem('prompt-too-large', 'the rendered text is longer than a prompt may be');
  }
  out.push(text);
}

function compileOutput(evaluate: Evaluate, line: number): Write {
  return (scope, out) => {
    const value = evaluate(scope);
    emit(
      scope,
      out,
      typeof value === 'string' ? value : located(() => textOf(value, scope.run.mode), line),
    );
  };
}

function located<T>(act: () => T, line: number): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof RenderProblem && (error.line ?? 0) === 0) error.line = line;
    throw error;
  }
}

function captured(body: readonly Statement[], filters: readonly FilterUse[]): Evaluate {
  const write = compileBody(body);
  const text: Evaluate = (scope) => printed(write, openScope(scope.run, scope));
  return filters.reduce<Evaluate>((input, use) => compileFilter(use.name, use, input), text);
}

function compileIf({ branches, otherwise }: Statement & { kind: 'if' }): Write {
  const choices = branches.map(
    ([test, body]) => [compileExpression(test), compileBody(body)] as const,
  );
  const last = compileBody(otherwise);
  return (scope, out) => {
    const chosen = choices.find(([test]) => isTrue(test(scope)));
    (chosen?.[1] ?? last)(scope, out);
  };
}

function compileFor(statement: ForStatement): Write {
  const bind = compileTarget(statement.target);
  const items = compileExpression(statement.items);
  const test = statement.test === null ? null : compileExpression(statement.test);
  const body = compileBody(statement.body);
  const otherwise = compileBody(statement.otherwise);
  return (scope, out) => {
    const all = located(() => iterate(items(scope), scope.run.mode), statement.line);
    const loop = openLoop(all, (item) => test === null || passes(scope, item, bind, test));
    while (loop.moveOn()) {
      const inner = openScope(scope.run, scope);
      bind(inner, loop.item());
      inner.names.set('loop', loop.value);
      body(inner, out);
    }
    if (loop.isEmpty()) otherwise(openScope(scope.run, scope), out);
  };
}

function passes(scope: Scope, item: Value, bind: Bind, test: Evaluate): boolean {
  const inner = openScope(scope.run, scope);
  bind(inner, item);
  return isTrue(test(inner));
}

/**
 * A loop and its `loop` variable. Items are tested one by one as the loop reaches them, because the body may change
 * what the test reads; only attributes that look ahead (`last`, `length`, …) test further.
 */
function openLoop(all: readonly Value[], isKept: (item: Value) => boolean) {
  const kept: Value[] = [];
  let tested = 0;
  let index = -1;
  const reach = (count: number) => {
    for (; kept.length < count && tested < all.length; tested += 1) {
      const item = all[tested] ?? null;
      if (isKept(item)) kept.push(item);
    }
    return kept.length >= count;
  };
  const lengthOfAll = () => {
    reach(Number.POSITIVE_INFINITY);
    return kept.length;
  };
  const value = new Namespace('loop', {
    get: loopAttribute({ kept, reach, lengthOfAll, index: () => index }),
    set: () => {
      throw wrong('"loop" cannot be changed');
    },
  });
  return {
    value,
    moveOn: () => {
      index += 1;
      return reach(index + 1);
    },
    item: () => kept[index] ?? null,
    isEmpty: () => kept.length === 0,
  };
}

interface LoopState {
  readonly kept: readonly Value[];
  readonly reach: (count: number) => boolean;
  readonly lengthOfAll: () => number;
  readonly index: () => number;
}

function loopAttribute({ kept, reach, lengthOfAll, index }: LoopState) {
  const changed = changeDetector();
  const cycle = (args: readonly Value[]) => {
    if (args.length === 0) throw wrong('loop.cycle needs at least one item');
    return args[index() % args.length] ?? null;
  };
  const neighbour = (at: number, name: string) =>
    at >= 0 && reach(at + 1)
      ? (kept[at] ?? null)
      : new Undefined(`loop.${name}`, 0, `there is no ${name} here`);
  const attributes: Record<string, () => Value> = {
    index: () => index() + 1,
    index0: index,
    revindex: () => lengthOfAll() - index(),
    revindex0: () => lengthOfAll() - index() - 1,
    first: () => index() === 0,
    last: () => !reach(index() + 2),
    length: lengthOfAll,
    // Nesting counts only in recursive loops, which are refused.
    depth: () => 1,
    depth0: () => 0,
    previtem: () => neighbour(index() - 1, 'previtem'),
    nextitem: () => neighbour(index() + 1, 'nextitem'),
    cycle: () => new Callable('cycle', cycle),
    changed: () => new Callable('changed', changed),
  };
  return (name: string) => (Object.hasOwn(attributes, name) ? attributes[name]?.() : undefined);
}

/** Whether the values differ from those of the call before. */
function changeDetector() {
  let last: Value[] | null = null;
  return (args: readonly Value[]) => {
    const isSame = last !== null && isEqual(last, [...args]);
    last = [...args];
    return !isSame;
  };
}

type Bind = (scope: Scope, value: Value) => void;

function compileTarget(target: Target): Bind {
  switch (target.kind) {
    case 'name':
      return (scope, value) => scope.names.set(target.name, value);
    case 'namespace':
      return (scope, value) => {
        const owner = boundName(scope, target.name);
        if (!(owner instanceof Namespace) || owner.label !== 'namespace') {
          throw wrong(`"${target.name}" is not a namespace; make it one with namespace()`);
        }
        owner.attributes.set(target.attribute, value);
      };
    case 'unpack':
      return compileUnpack(target.targets.map(compileTarget), target.line);
  }
}

function compileUnpack(targets: readonly Bind[], line: number): Bind {
  return (scope, value) => {
    const items = located(() => iterate(value, 'error'), line);
    if (items.length !== targets.length) {
      throw new RenderProblem(
        'template-error',
        `${items.length} values cannot be unpacked into ${targets.length} names`,
        line,
      );
    }
    for (const [index, bind] of targets.entries()) bind(scope, items[index] ?? null);
  };
}

function compileSet(target: Target, evaluate: Evaluate): Write {
  const bind = compileTarget(target);
  return (scope) => located(() => bind(scope, evaluate(scope)), target.line);
}

function compileWith({ bindings, body }: Statement & { kind: 'with' }): Write {
  const binds = bindings.map(
    ([target, value]) => [compileTarget(target), compileExpression(value)] as const,
  );
  const write = compileBody(body);
  return (scope, out) => {
    const inner = openScope(scope.run, scope);
    // All values are those of the outer scope: a binding does not see the ones before it.
    const values = binds.map(([, evaluate]) => evaluate(scope));
    for (const [index, [bind]] of binds.entries()) bind(inner, values[index] ?? null);
    write(inner, out);
  };
}

function compileMacro(statement: Statement & { kind: 'macro' }): Write {
  const make = compileMacroBody(statement.name, statement);
  return (scope) => {
    scope.names.set(statement.name, make(scope));
  };
}

function compileCallBlock(statement: Statement & { kind: 'call-block' }): Write {
  const make = compileMacroBody('caller', statement);
  const call = compileCall(statement.call, (scope) => [['caller', make(scope)]]);
  return compileOutput((scope) => located(() => call(scope), statement.line), statement.line);
}

/** A macro sees the scope it was defined in, not the one it is called from. */
function compileMacroBody(
  label: string,
  { parameters, body }: MacroBody,
): (scope: Scope) => Callable {
  const write = compileBody(body);
  const fallbacks = parameters.map(({ fallback }) =>
    fallback === null ? null : compileExpression(fallback),
  );
  const names = parameters.map(({ name }) => name);
  return (definition) =>
    new Callable(label, (args, named) => {
      const scope = openScope(definition.run, definition);
      refuseSurplus(label, names, args, named);
      for (const [index, name] of names.entries()) {
        const given = args[index] ?? (index in args ? null : named.get(name));
        const fallback = fallbacks[index];
        const missing = () =>
          fallback
            ? fallback(scope)
            : new Undefined(name, 0, `parameter '${name}' of ${label} was not given`);
        scope.names.set(name, given === undefined ? missing() : given);
      }
      const caller = named.get('caller');
      if (caller !== undefined) scope.names.set('caller', caller);
      return printed(write, scope);
    });
}

function refuseSurplus(
  label: string,
  names: readonly string[],
  args: readonly Value[],
  named: NamedValues,
): void {
  if (args.length > names.length) {
    throw wrong(`macro "${label}" takes ${names.length} arguments, ${args.length} were given`);
  }
  for (const name of named.keys()) {
    if (name === 'caller') continue;
    if (!names.includes(name)) throw wrong(`macro "${label}" has no parameter "${name}"`);
    if (names.indexOf(name) < args.length)
      throw wrong(`macro "${label}" was given "${name}" twice`);
  }
}

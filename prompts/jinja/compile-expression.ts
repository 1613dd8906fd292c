import type { FilterCall } from './filters.ts';
import { applyFilter } from './filters.ts';
import { functions } from './functions.ts';
import { attributeOf, itemOf, sliceOf } from './members.ts';
import { float, int, isFloat, numberOf } from './numbers.ts';
import { applyBinary, compareBy } from './operators.ts';
import { textOf } from './printing.ts';
import { boundName, type Run, type Scope, spend } from './run.ts';
import type { CallArguments, Expression } from './syntax.ts';
import { testNamed } from './tests.ts';
import {
  Callable,
  Dict,
  dictSet,
  Float,
  isTrue,
  RenderProblem,
  Tuple,
  typeName,
  Undefined,
  undefinedProblem,
  type Value,
  wrong,
} from './values.ts';

/** A compiled expression: its value where the scope's names mean what they mean there. */
export type Evaluate = (scope: Scope) => Value;

/**
 * Compiles to closures, not to JavaScript text: no template can become code, whatever it contains. Errors get
 * the line of the innermost expression that raised them.
 */
export function compileExpression(expression: Expression): Evaluate {
  const evaluate = compileNode(expression);
  if (expression.kind === 'constant' || expression.kind === 'name') return evaluate;
  return (scope) => {
    try {
      return evaluate(scope);
    } catch (error) {
      if (error instanceof RenderProblem) error.line ??= expression.line;
      throw error;
    }
  };
}

function compileNode(node: Expression): Evaluate {
  switch (node.kind) {
    case 'constant':
      return compileConstant(node);
    case 'name':
      return compileName(node);
    case 'attribute':
      return compileAttribute(node);
    case 'item':
      return compileItem(node);
    case 'slice':
      return compileSlice(node);
    case 'call':
      return compileCall(node);
    case 'filter':
      return compileFilter(node.name, node, compileExpression(node.input));
    case 'test':
      return compileTest(node);
    case 'not':
      return negated(compileExpression(node.operand));
    case 'sign':
      return compileSign(node);
    case 'binary':
      return compileBinary(node);
    case 'and':
    case 'or':
      return compileLogic(node);
    case 'compare':
      return compileCompare(node);
    case 'concat':
      return compileConcat(node);
    case 'choose':
      return compileChoose(node);
    case 'list':
      return listOf(node.items.map(compileExpression));
    case 'tuple': {
      const items = listOf(node.items.map(compileExpression));
      return (scope) => new Tuple(items(scope));
    }
    case 'dict':
      return compileDict(node);
  }
}

type Node<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>;

function compileConstant({ value }: Node<'constant'>): Evaluate {
  const constant = typeof value === 'object' && value !== null ? new Float(value.float) : value;
  return () => constant;
}

function compileName({ name, line }: Node<'name'>): Evaluate {
  const builtin = functions.get(name);
  const missing = new Undefined(name, line, `'${name}' is undefined`);
  return (scope) => {
    const bound = boundName(scope, name);
    if (bound !== undefined) return bound;
    const { row, steps } = scope.run;
    if (name === 'steps') return steps;
    if (Object.hasOwn(row, name)) return row[name] ?? null;
    // `row` reaches columns whose names are no names in a template: row['Running Time min'].
    return name === 'row' ? row : (builtin ?? missing);
  };
}

/** How the template writes a value, for messages: `author.books[0].title`. */
function pathOf(node: Expression): string {
  switch (node.kind) {
    case 'name':
      return node.name;
    case 'attribute':
      return `${pathOf(node.object)}.${node.name}`;
    case 'item': {
      const { key } = node;
      const isPlain = key.kind === 'constant' && typeof key.value !== 'object';
      return `${pathOf(node.object)}[${isPlain ? JSON.stringify(key.value) : '…'}]`;
    }
    case 'call':
      return `${pathOf(node.callee)}()`;
    case 'filter':
      return `${pathOf(node.input)} | ${node.name}`;
    default:
      return '(…)';
  }
}

function compileAttribute(node: Node<'attribute'>): Evaluate {
  const object = compileExpression(node.object);
  const place = { path: pathOf(node), line: node.line };
  return (scope) => {
    const owner = object(scope);
    // Its methods go through the whole of it.
    spend(scope.run, owner);
    return attributeOf(owner, node.name, place, scope.run.mode);
  };
}

function compileItem(node: Node<'item'>): Evaluate {
  const object = compileExpression(node.object);
  const key = compileExpression(node.key);
  const place = { path: pathOf(node), line: node.line };
  return (scope) => itemOf(object(scope), key(scope), place, scope.run.mode);
}

function compileSlice({ object, bounds }: Node<'slice'>): Evaluate {
  const sliced = compileExpression(object);
  const parts = [bounds.start, bounds.stop, bounds.step].map((bound) =>
    bound === null ? () => null : compileExpression(bound),
  );
  return (scope) => {
    const whole = sliced(scope);
    spend(scope.run, whole);
    return sliceOf(
      whole,
      parts.map((part) => part(scope)),
    );
  };
}

function listOf(items: readonly Evaluate[]): (scope: Scope) => Value[] {
  return (scope) => items.map((item) => item(scope));
}

interface Given {
  args: Value[];
  named: Map<string, Value>;
}

export function compileArguments({ args, named }: CallArguments): (scope: Scope) => Given {
  const positional = listOf(args.map(compileExpression));
  const pairs = named.map(([name, value]) => [name, compileExpression(value)] as const);
  return (scope) => ({
    args: positional(scope),
    named: new Map(pairs.map(([name, value]) => [name, value(scope)])),
  });
}

export function compileCall(
  node: Node<'call'>,
  extra: (scope: Scope) => [string, Value][] = () => [],
): Evaluate {
  const callee = compileExpression(node.callee);
  const given = compileArguments(node);
  const path = pathOf(node.callee);
  return (scope) => {
    const called = callee(scope);
    if (called instanceof Undefined) throw undefinedProblem(called);
    if (!(called instanceof Callable)) {
      throw wrong(`"${path}" cannot be called: it is a ${typeName(called)}`);
    }
    const { args, named } = given(scope);
    for (const [name, value] of extra(scope)) named.set(name, value);
    return called.call(args, named);
  };
}

export function compileFilter(name: string, call: CallArguments, input: Evaluate): Evaluate {
  const given = compileArguments(call);
  return (scope) => {
    const value = input(scope);
    spend(scope.run, value);
    const { args, named } = given(scope);
    return applyFilter(name, value, filterCall(scope.run, args, named));
  };
}

function filterCall(
  run: Run,
  args: readonly Value[],
  named: ReadonlyMap<string, Value>,
): FilterCall {
  return {
    args,
    named,
    run,
    filter: (name, input, inner, innerNamed) =>
      applyFilter(name, input, filterCall(run, inner, innerNamed)),
    test: applyTest,
  };
}

function applyTest(name: string, input: Value, args: readonly Value[]): boolean {
  const test = testNamed(name);
  if (test === null) throw wrong(`there is no test "${name}"`);
  if (args.length !== test.arity) {
    throw wrong(`test "${name}" takes ${test.arity} arguments, ${args.length} were given`);
  }
  return test.run(input, args[0] ?? null);
}

function compileTest(node: Node<'test'>): Evaluate {
  const input = compileExpression(node.input);
  const given = compileArguments(node);
  return (scope) => applyTest(node.name, input(scope), given(scope).args);
}

function negated(operand: Evaluate): Evaluate {
  return (scope) => !isTrue(operand(scope));
}

function compileSign({ isNegative, operand }: Node<'sign'>): Evaluate {
  const inner = compileExpression(operand);
  return (scope) => {
    const value = inner(scope);
    if (value instanceof Undefined) throw undefinedProblem(value);
    const number = numberOf(value);
    if (number === null) throw wrong(`a ${typeName(value)} has no sign`);
    const result = isNegative ? -number : number;
    return isFloat(value) ? float(result) : int(result);
  };
}

function compileBinary({ operator, left, right }: Node<'binary'>): Evaluate {
  const [first, second] = [compileExpression(left), compileExpression(right)];
  return (scope) => {
    const result = applyBinary(operator, first(scope), second(scope), scope.run.mode);
    spend(scope.run, result);
    return result;
  };
}

/** `and` and `or` give one of their operands, not a bool, and evaluate the second only if needed. */
function compileLogic({ kind, left, right }: Node<'and' | 'or'>): Evaluate {
  const [first, second] = [compileExpression(left), compileExpression(right)];
  const isDecided = kind === 'or';
  return (scope) => {
    const value = first(scope);
    return isTrue(value) === isDecided ? value : second(scope);
  };
}

function compileCompare({ first, rest }: Node<'compare'>): Evaluate {
  const start = compileExpression(first);
  const steps = rest.map(({ operator, operand }) => ({
    operator,
    operand: compileExpression(operand),
  }));
  return (scope) => {
    let left = start(scope);
    for (const { operator, operand } of steps) {
      const right = operand(scope);
      spend(scope.run, right);
      if (!compareBy(operator, left, right)) return false;
      left = right;
    }
    return true;
  };
}

function compileConcat({ items }: Node<'concat'>): Evaluate {
  const parts = listOf(items.map(compileExpression));
  return (scope) => {
    const { run } = scope;
    const text = parts(scope)
      .map((part) => textOf(part, run.mode))
      .join('');
    spend(run, text);
    return text;
  };
}

function compileChoose(node: Node<'choose'>): Evaluate {
  const test = compileExpression(node.test);
  const yes = compileExpression(node.yes);
  const no = node.no === null ? null : compileExpression(node.no);
  const reason = 'the condition of this "if" is false and it has no "else"';
  const missing = new Undefined(`${pathOf(node.yes)} if …`, node.line, reason, {
    isBlank: true,
  });
  return (scope) => {
    if (isTrue(test(scope))) return yes(scope);
    if (no !== null) return no(scope);
    return missing;
  };
}

function compileDict({ pairs }: Node<'dict'>): Evaluate {
  const entries = pairs.map(
    ([key, value]) => [compileExpression(key), compileExpression(value)] as const,
  );
  return (scope) => {
    const dict = new Dict();
    for (const [key, value] of entries) dictSet(dict, key(scope), value(scope));
    return dict;
  };
}

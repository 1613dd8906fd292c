import {
  type Analysis,
  type Need,
  type Note,
  openReader,
  type Place,
  type Reader,
} from './analysis-state.ts';
import { readPath } from './path-analysis.ts';
import { nearestName } from '#domain/nearest-name.ts';
import { refusedFunctions, functions } from './functions.ts';
import { methodNames } from './methods.ts';
import type {
  CallArguments,
  Expression,
  FilterUse,
  MacroBody,
  Statement,
  Target,
} from './syntax.ts';
import { checkFilter, checkTest, lastOnlyFilters } from './vocabulary.ts';

export function analyseTemplate(body: readonly Statement[]): Analysis {
  const reader = openReader();
  readBody(reader, body, { names: new Set(), isCertain: true });
  return reader.analysis;
}

export function analyseCondition(expression: Expression): Analysis {
  const reader = openReader();
  // A condition may always fail: what it reads is never required of a row.
  read(reader, expression, { names: new Set(), isCertain: false }, 'tested');
  return reader.analysis;
}

function inner(place: Place, names: readonly string[] = [], isCertain = false): Place {
  return { names: new Set([...place.names, ...names]), isCertain: isCertain && place.isCertain };
}

function readBody(reader: Reader, body: readonly Statement[], place: Place): void {
  for (const statement of body) {
    if (statement.kind === 'macro') reader.macros.add(statement.name);
  }
  for (const statement of body) readStatement(reader, statement, place);
}

function readStatement(reader: Reader, statement: Statement, place: Place): void {
  switch (statement.kind) {
    case 'text':
      return;
    case 'output':
      readOutput(reader, statement.value, place);
      return;
    case 'if':
      readIf(reader, statement, place);
      return;
    case 'for':
      readFor(reader, statement, place);
      return;
    case 'set':
      read(reader, statement.value, place, 'tested');
      bind(place, statement.target);
      return;
    case 'set-block':
    case 'filter-block':
      for (const use of statement.filters) readFilterUse(reader, use, place);
      readBody(reader, statement.body, inner(place, [], true));
      if (statement.kind === 'set-block') bind(place, statement.target);
      return;
    case 'macro':
      place.names.add(statement.name);
      readMacroBody(reader, statement, place);
      return;
    case 'call-block':
      readMacroBody(reader, statement, place);
      read(reader, statement.call, place, 'needed');
      return;
    case 'with': {
      for (const [, value] of statement.bindings) read(reader, value, place, 'tested');
      const scope = inner(place, [], true);
      for (const [target] of statement.bindings) bind(scope, target);
      readBody(reader, statement.body, scope);
    }
  }
}

/** A printed expression may end in a filter that only makes sense last. */
function readOutput(reader: Reader, value: Expression, place: Place): void {
  if (value.kind === 'filter' && lastOnlyFilters.has(value.name)) {
    readFilterUse(reader, value, place);
    readOutput(reader, value.input, place);
  } else {
    read(reader, value, place, 'needed');
  }
}

/** The first condition is always evaluated; what comes after it may not be. */
function readIf(reader: Reader, statement: Statement & { kind: 'if' }, place: Place): void {
  const bound: string[] = [];
  const readBranch = (body: readonly Statement[]) => {
    const branch = inner(place);
    readBody(reader, body, branch);
    bound.push(...branch.names);
  };
  for (const [index, [test, body]] of statement.branches.entries()) {
    read(reader, test, index === 0 ? place : inner(place), 'tested');
    readBranch(body);
  }
  readBranch(statement.otherwise);
  // An `if` is no scope of its own: what it sets is set after it.
  for (const name of bound) place.names.add(name);
}

function readFor(reader: Reader, statement: Statement & { kind: 'for' }, place: Place): void {
  read(reader, statement.items, place, 'needed');
  const scope = inner(place);
  bind(scope, statement.target);
  if (statement.test !== null) read(reader, statement.test, inner(scope), 'tested');
  scope.names.add('loop');
  readBody(reader, statement.body, scope);
  readBody(reader, statement.otherwise, inner(place));
}

function readMacroBody(reader: Reader, { parameters, body }: MacroBody, place: Place): void {
  const scope = inner(place, [...parameters.map(({ name }) => name), 'caller']);
  for (const { fallback } of parameters)
    if (fallback !== null) read(reader, fallback, scope, 'tested');
  readBody(reader, body, scope);
}

function bind(place: Place, target: Target): void {
  if (target.kind === 'name') place.names.add(target.name);
  if (target.kind === 'unpack') for (const one of target.targets) bind(place, one);
}

function read(reader: Reader, node: Expression, place: Place, need: Need): void {
  switch (node.kind) {
    case 'constant':
      return;
    case 'name':
    case 'attribute':
    case 'item':
      for (const part of readPath(reader, node, place, need)) read(reader, part, place, 'needed');
      return;
    case 'slice':
      read(reader, node.object, place, 'needed');
      for (const bound of Object.values(node.bounds))
        if (bound) read(reader, bound, place, 'needed');
      return;
    case 'call':
      readCall(reader, node, place);
      return;
    case 'filter':
      readFilter(reader, node, place);
      return;
    case 'test':
      reader.analysis.problems.push(...checkTest(node));
      read(reader, node.input, place, 'tested');
      readArguments(reader, node, place, 'needed');
      return;
    case 'not':
      read(reader, node.operand, place, 'tested');
      return;
    case 'sign':
      read(reader, node.operand, place, 'needed');
      return;
    case 'binary':
      read(reader, node.left, place, 'needed');
      read(reader, node.right, place, 'needed');
      return;
    case 'and':
    case 'or':
      read(reader, node.left, place, 'tested');
      read(reader, node.right, inner(place), need);
      return;
    case 'compare':
      readCompare(reader, node, place);
      return;
    case 'choose':
      read(reader, node.test, place, 'tested');
      read(reader, node.yes, inner(place), need);
      if (node.no !== null) read(reader, node.no, inner(place), need);
      return;
    case 'concat':
      for (const item of node.items) read(reader, item, place, 'needed');
      return;
    case 'list':
    case 'tuple':
      for (const item of node.items) read(reader, item, place, need);
      return;
    case 'dict':
      for (const pair of node.pairs) for (const part of pair) read(reader, part, place, need);
  }
}

/** Equality and membership take what is undefined; an order between values needs both. */
function readCompare(reader: Reader, node: Expression & { kind: 'compare' }, place: Place): void {
  const isOrdered = node.rest.some(({ operator }) => /[<>]/.test(operator));
  for (const operand of [node.first, ...node.rest.map((step) => step.operand)]) {
    read(reader, operand, place, isOrdered ? 'needed' : 'tested');
  }
}

function readArguments(
  reader: Reader,
  { args, named }: CallArguments,
  place: Place,
  need: Need,
): void {
  for (const arg of args) read(reader, arg, place, need);
  for (const [, arg] of named) read(reader, arg, place, need);
}

function readFilterUse(reader: Reader, use: FilterUse, place: Place): void {
  reader.analysis.problems.push(...checkFilter(use.name, use, use.line));
  readArguments(reader, use, place, needOf(use));
}

function needOf({ name }: FilterUse): Need {
  return name === 'default' || name === 'd' ? 'tested' : 'needed';
}

function readFilter(reader: Reader, node: Expression & { kind: 'filter' }, place: Place): void {
  if (lastOnlyFilters.has(node.name)) {
    reader.analysis.problems.push({
      line: node.line,
      detail: `filter "${node.name}" may only come last in {{ … }}: what it marks is lost on plain text`,
    });
  }
  readFilterUse(reader, node, place);
  read(reader, node.input, place, needOf(node));
}

function readCall(reader: Reader, node: Expression & { kind: 'call' }, place: Place): void {
  const { callee } = node;
  const isOwn =
    callee.kind === 'name' && (place.names.has(callee.name) || reader.macros.has(callee.name));
  if (callee.kind === 'name' && !isOwn && !functions.has(callee.name)) {
    reader.analysis.problems.push(unknownFunction(reader, callee.name, node.line, place));
  } else if (callee.kind === 'attribute') {
    readMethodCall(reader, callee, place);
  } else if (callee.kind !== 'name') {
    read(reader, callee, place, 'needed');
  }
  readArguments(reader, node, place, isOwn ? 'tested' : 'needed');
}

function unknownFunction(reader: Reader, name: string, line: number, place: Place): Note {
  const reason = refusedFunctions.get(name);
  if (reason !== undefined)
    return { line, detail: `function "${name}" is not supported: ${reason}` };
  const known = [...reader.macros, ...place.names, ...functions.keys()];
  const nearest = nearestName(name, known);
  const advice =
    nearest === null
      ? `known are ${[...functions.keys()].join(', ')} and your macros`
      : `did you mean "${nearest}"?`;
  return { line, detail: `unknown function "${name}"; ${advice}` };
}

/** Methods of `loop` and `cycler`, beside those of text, lists and dicts. */
const otherMethods = ['cycle', 'changed', 'next', 'reset'];

function readMethodCall(
  reader: Reader,
  callee: Expression & { kind: 'attribute' },
  place: Place,
): void {
  const { name, line, object } = callee;
  if (!methodNames.has(name) && !otherMethods.includes(name)) {
    const nearest = nearestName(name, [...methodNames, ...otherMethods]);
    const advice = nearest === null ? '' : `; did you mean "${nearest}"?`;
    reader.analysis.problems.push({ line, detail: `method "${name}" is not supported${advice}` });
  }
  read(reader, object, place, 'needed');
}

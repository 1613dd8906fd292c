import { nearestName } from '#domain/nearest-name.ts';
import { refusedFunctions, functions } from './functions.ts';
import { dictMethodNames, methodNames } from './methods.ts';
import type { CallArguments, Expression, MacroBody, Statement, Target } from './syntax.ts';
import { checkFilter, checkTest, lastOnlyFilters } from './vocabulary.ts';

/** What reading a template's tree, without running it, can tell. */
export interface Analysis {
  readonly problems: Note[];
  readonly warnings: Note[];
  /** Names read from the seed row, in order of appearance, each once. */
  readonly variables: VariableUse[];
  readonly steps: StepUse[];
}

export interface Note {
  readonly line: number;
  readonly detail: string;
}

export interface VariableUse {
  readonly path: string;
  readonly line: number;
  readonly isRequired: boolean;
}

export interface StepUse {
  readonly id: string;
  readonly line: number;
}

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

interface Reader {
  readonly analysis: Analysis;
  readonly variables: Map<string, VariableUse>;
  /** Macros of the whole text: one may call another that is defined after it. */
  readonly macros: Set<string>;
}

/** Where something is read: the names bound there, and whether every rendering comes by. */
interface Place {
  readonly names: Set<string>;
  readonly isCertain: boolean;
}

/** `needed`: an undefined value would fail here. `tested`: it would be taken as false or replaced. */
type Need = 'needed' | 'tested';

function openReader(): Reader {
  const variables = new Map<string, VariableUse>();
  const analysis: Analysis = {
    problems: [],
    warnings: [],
    get variables() {
      return [...variables.values()];
    },
    steps: [],
  };
  return { analysis, variables, macros: new Set() };
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
      for (const use of statement.filters) readFilterUse(reader, use.name, use, use.line, place);
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
    readFilterUse(reader, value.name, value, value.line, place);
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
      readPath(reader, node, place, need, false);
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

function readFilterUse(
  reader: Reader,
  name: string,
  call: CallArguments,
  line: number,
  place: Place,
): void {
  reader.analysis.problems.push(...checkFilter(name, call, line));
  readArguments(reader, call, place, name === 'default' || name === 'd' ? 'tested' : 'needed');
}

function readFilter(reader: Reader, node: Expression & { kind: 'filter' }, place: Place): void {
  if (lastOnlyFilters.has(node.name)) {
    reader.analysis.problems.push({
      line: node.line,
      detail: `filter "${node.name}" may only come last in {{ … }}: what it marks is lost on plain text`,
    });
  }
  readFilterUse(reader, node.name, node, node.line, place);
  read(
    reader,
    node.input,
    place,
    node.name === 'default' || node.name === 'd' ? 'tested' : 'needed',
  );
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
  readPath(reader, object, place, 'needed', true);
}

/** A name with what is read from it: `author.books[0].title`. */
function readPath(
  reader: Reader,
  node: Expression,
  place: Place,
  need: Need,
  isOwner: boolean,
): void {
  if (node.kind !== 'name' && node.kind !== 'attribute' && node.kind !== 'item') {
    read(reader, node, place, need);
    return;
  }
  const { root, keys } = chainOf(node);
  refuseHidden(reader, node, place);
  for (const key of keys) if (key.value === null) read(reader, key.node, place, 'needed');
  if (root.kind !== 'name') {
    read(reader, root, place, 'needed');
  } else if (root.name === 'steps') {
    readSteps(reader, root.line, keys, isOwner);
  } else if (!place.names.has(root.name)) {
    const known = keys.findIndex((key) => typeof key.value !== 'string');
    const named = known === -1 ? keys : keys.slice(0, known);
    const path = [root.name, ...named.map((key) => key.value)].join('.');
    addVariable(reader, path, root.line, need === 'needed' && place.isCertain);
  }
}

interface Key {
  /** The field or position that is read; null where only a rendering knows. */
  readonly value: string | number | null;
  readonly node: Expression;
  readonly line: number;
}

function chainOf(node: Expression): { root: Expression; keys: Key[] } {
  const keys: Key[] = [];
  let root = node;
  while (root.kind === 'attribute' || root.kind === 'item') {
    if (root.kind === 'attribute') {
      keys.unshift({ value: root.name, node: root, line: root.line });
    } else {
      const { key } = root;
      const value = key.kind === 'constant' ? key.value : null;
      const isKnown = typeof value === 'string' || typeof value === 'number';
      keys.unshift({ value: isKnown ? value : null, node: key, line: root.line });
    }
    root = root.object;
  }
  return { root, keys };
}

/** Python's inner attributes, and fields that Jinja2 would answer with a method instead of the data. */
function refuseHidden(reader: Reader, node: Expression, place: Place): void {
  let at = node;
  for (; at.kind === 'attribute' || at.kind === 'item'; at = at.object) {
    if (at.kind !== 'attribute') continue;
    if (at.name.startsWith('__')) {
      reader.analysis.problems.push({
        line: at.line,
        detail: `"${at.name}" is not readable: names with __ are internal`,
      });
    } else if (dictMethodNames.has(at.name) && !isBoundRoot(at, place)) {
      reader.analysis.problems.push({
        line: at.line,
        detail: `".${at.name}" is a method of every dict; write ['${at.name}'] for the field, or ${at.name}() to call it`,
      });
    }
  }
}

/** A name that the template bound may be a namespace, whose attributes are its own. */
function isBoundRoot(node: Expression, place: Place): boolean {
  const { root } = chainOf(node);
  return root.kind === 'name' && place.names.has(root.name);
}

function readSteps(reader: Reader, line: number, keys: readonly Key[], isOwner: boolean): void {
  const { problems, warnings, steps } = reader.analysis;
  const [id, output, ...rest] = keys;
  if (id === undefined) {
    problems.push({ line, detail: '"steps" alone is not readable; write steps.<id>.output' });
  } else if (typeof id.value !== 'string') {
    problems.push({
      line,
      detail:
        'steps[…] needs a fixed id, so that the order of steps is known; write steps.<id>.output',
    });
  } else {
    steps.push({ id: id.value, line });
    if (output === undefined) {
      warnings.push({
        line,
        detail: `"steps.${id.value}" is not the text of that step; write steps.${id.value}.output`,
      });
    } else if (output.value !== 'output') {
      problems.push({ line, detail: `a step has only "output"; write steps.${id.value}.output` });
    } else if (rest.length > 0 && !isOwner && typeof rest[0]?.value === 'string') {
      warnings.push({
        line,
        detail: `the output of step "${id.value}" is text and has no "${rest[0].value}"`,
      });
    }
  }
}

function addVariable(reader: Reader, path: string, line: number, isRequired: boolean): void {
  const known = reader.variables.get(path);
  if (known === undefined || (isRequired && !known.isRequired)) {
    reader.variables.set(path, { path, line: known?.line ?? line, isRequired });
  }
}

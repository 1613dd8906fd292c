import {
  type BinaryOperator,
  type CallArguments,
  type CompareOperator,
  type Comparison,
  type Expression,
  type SliceBounds,
  SyntaxProblem,
} from './syntax.ts';
import type { Tokens } from './tokens.ts';

/** Jinja2's expression grammar: the same precedence and the same places for filters and tests. */
export function parseExpressionOf(tokens: Tokens): Expression {
  return tokens.nested(tokens.current().line, () => parseChoice(tokens));
}

/** An expression, or several with commas between them, which make a tuple. */
export function parseTuple(tokens: Tokens, rules = { isConditional: true }): Expression {
  const { line } = tokens.current();
  const items: Expression[] = [];
  let isTuple = false;
  while (!isTupleEnd(tokens)) {
    items.push(
      rules.isConditional
        ? parseExpressionOf(tokens)
        : tokens.nested(line, () => parseLevel(tokens, 0)),
    );
    if (!tokens.skipOperator(',')) break;
    isTuple = true;
  }
  const [first] = items;
  if (first === undefined) throw tokens.unexpected('an expression');
  return isTuple ? { kind: 'tuple', items, line } : first;
}

function isTupleEnd(tokens: Tokens): boolean {
  const { kind } = tokens.current();
  return kind === 'output-end' || kind === 'tag-end' || kind === 'end' || tokens.isOperator(')');
}

/** `yes if test else no`, which may chain. */
function parseChoice(tokens: Tokens): Expression {
  const { line } = tokens.current();
  let expression = parseLevel(tokens, 0);
  for (let links = 0; tokens.skipName('if'); links += 1) {
    tokens.refuseLongChain(links, line);
    const test = parseLevel(tokens, 0);
    const no = tokens.skipName('else') ? parseExpressionOf(tokens) : null;
    expression = { kind: 'choose', test, yes: expression, no, line };
  }
  return expression;
}

/** The operators from loosest to tightest. One function climbs them: the sandbox's stack is small. */
const levels: readonly (readonly string[])[] = [
  ['or'],
  ['and'],
  ['not'],
  ['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'],
  ['+', '-'],
  ['~'],
  ['*', '/', '//', '%'],
  ['**'],
];
const notLevel = 2;
const compareLevel = 3;
const concatLevel = 5;

function parseLevel(tokens: Tokens, least: number): Expression {
  const { line } = tokens.current();
  let left =
    least <= notLevel && tokens.isName('not') ? parseNot(tokens) : parseUnary(tokens, true);
  let links = 0;
  for (let level = levels.length - 1; level >= least; level -= 1) {
    // A comparison is not an operand of `not`'s own level: `not a == b` is `not (a == b)`.
    if (level === notLevel) continue;
    for (let found = operatorAt(tokens, level); found !== null; found = operatorAt(tokens, level)) {
      left = parseRest(tokens, left, { operator: found, level });
      links += level === concatLevel ? 0 : 1;
      tokens.refuseLongChain(links, line);
    }
  }
  return left;
}

function parseNot(tokens: Tokens): Expression {
  const { line } = tokens.next();
  const operand = tokens.nested(line, () => parseLevel(tokens, notLevel));
  return { kind: 'not', operand, line };
}

function operatorAt(tokens: Tokens, level: number): string | null {
  const token = tokens.current();
  if (token.kind !== 'operator' && token.kind !== 'name') return null;
  const isNotIn = tokens.isName('not') && tokens.peek().text === 'in';
  const text = isNotIn ? 'not in' : token.text;
  return levels[level]?.includes(text) ? text : null;
}

function parseRest(
  tokens: Tokens,
  left: Expression,
  { operator, level }: { operator: string; level: number },
): Expression {
  const { line } = left;
  if (level === compareLevel) return parseComparisons(tokens, left, line);
  tokens.next();
  const right = parseLevel(tokens, level + 1);
  if (level === concatLevel) {
    const items = left.kind === 'concat' ? [...left.items, right] : [left, right];
    return { kind: 'concat', items, line };
  }
  if (operator === 'or' || operator === 'and') return { kind: operator, left, right, line };
  return { kind: 'binary', operator: binaryOperator(operator), left, right, line };
}

function binaryOperator(text: string): BinaryOperator {
  switch (text) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '//':
    case '%':
    case '**':
      return text;
    default:
      throw new Error(`"${text}" is not a binary operator`);
  }
}

const comparisons: ReadonlyMap<string, CompareOperator> = new Map(
  (['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'] as const).map((text) => [text, text]),
);

/** `a < b < c` is one comparison of three: each operand is evaluated once. */
function parseComparisons(tokens: Tokens, first: Expression, line: number): Expression {
  const rest: Comparison[] = [];
  for (;;) {
    const operator = comparisons.get(operatorAt(tokens, compareLevel) ?? '');
    if (operator === undefined) return { kind: 'compare', first, rest, line };
    tokens.next();
    if (operator === 'not in') tokens.next();
    rest.push({ operator, operand: parseLevel(tokens, compareLevel + 1) });
  }
}

function parseUnary(tokens: Tokens, mayFilter: boolean): Expression {
  const { line } = tokens.current();
  const isNegative = tokens.isOperator('-');
  let expression: Expression;
  if (isNegative || tokens.isOperator('+')) {
    tokens.next();
    const operand = tokens.nested(line, () => parseUnary(tokens, false));
    expression = { kind: 'sign', isNegative, operand, line };
  } else {
    expression = parsePrimary(tokens);
  }
  expression = parsePostfix(tokens, expression);
  return mayFilter ? parseFiltersAndTests(tokens, expression) : expression;
}

const constants: Record<string, true | false | null> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

const keywords = new Set(['not', 'and', 'or', 'in', 'is', 'if', 'else']);

function parsePrimary(tokens: Tokens): Expression {
  const token = tokens.current();
  const { line } = token;
  if (token.kind === 'name') {
    if (keywords.has(token.text)) throw tokens.unexpected('an expression');
    tokens.next();
    if (Object.hasOwn(constants, token.text)) {
      return { kind: 'constant', value: constants[token.text] ?? null, line };
    }
    return { kind: 'name', name: token.text, line };
  }
  if (token.kind === 'string') return parseStrings(tokens);
  if (token.kind === 'integer' || token.kind === 'float') {
    tokens.next();
    return { kind: 'constant', value: numberOf(token.text, token.kind, line), line };
  }
  if (tokens.isOperator('(')) return parseParentheses(tokens);
  if (tokens.isOperator('[')) return parseList(tokens);
  if (tokens.isOperator('{')) return parseDict(tokens);
  throw tokens.unexpected('an expression');
}

/** Strings next to each other are one string. */
function parseStrings(tokens: Tokens): Expression {
  const { line } = tokens.current();
  let value = '';
  while (tokens.current().kind === 'string') value += tokens.next().text;
  return { kind: 'constant', value, line };
}

function numberOf(
  text: string,
  kind: 'integer' | 'float',
  line: number,
): number | { float: number } {
  const value = Number(text.replaceAll('_', ''));
  if (kind === 'float') return Number.isInteger(value) ? { float: value } : value;
  if (Number.isSafeInteger(value)) return value;
  throw new SyntaxProblem(line, `${text} is too large; whole numbers go up to 9007199254740991`);
}

function parseParentheses(tokens: Tokens): Expression {
  const { line } = tokens.next();
  const isEmpty = tokens.isOperator(')');
  const inner: Expression = isEmpty ? { kind: 'tuple', items: [], line } : parseTuple(tokens);
  tokens.expectOperator(')');
  return inner;
}

function parseList(tokens: Tokens): Expression {
  const { line } = tokens.next();
  const items: Expression[] = [];
  while (!tokens.isOperator(']')) {
    items.push(parseExpressionOf(tokens));
    if (!tokens.skipOperator(',')) break;
  }
  tokens.expectOperator(']');
  return { kind: 'list', items, line };
}

function parseDict(tokens: Tokens): Expression {
  const { line } = tokens.next();
  const pairs: [Expression, Expression][] = [];
  while (!tokens.isOperator('}')) {
    const key = parseExpressionOf(tokens);
    tokens.expectOperator(':');
    pairs.push([key, parseExpressionOf(tokens)]);
    if (!tokens.skipOperator(',')) break;
  }
  tokens.expectOperator('}');
  return { kind: 'dict', pairs, line };
}

function parsePostfix(tokens: Tokens, start: Expression): Expression {
  let expression = start;
  for (let links = 0; ; links += 1) {
    tokens.refuseLongChain(links, start.line);
    if (tokens.isOperator('.')) expression = parseAttribute(tokens, expression);
    else if (tokens.isOperator('[')) expression = parseSubscript(tokens, expression);
    else if (tokens.isOperator('(')) expression = parseCall(tokens, expression);
    else return expression;
  }
}

function parseAttribute(tokens: Tokens, object: Expression): Expression {
  const { line } = tokens.next();
  if (tokens.current().kind === 'integer') {
    const key: Expression = { kind: 'constant', value: Number(tokens.next().text), line };
    return { kind: 'item', object, key, line };
  }
  const name = tokens.expectKind('name', 'the name of an attribute').text;
  return { kind: 'attribute', object, name, line };
}

function parseSubscript(tokens: Tokens, object: Expression): Expression {
  const { line } = tokens.next();
  const start = tokens.isOperator(':') ? null : parseExpressionOf(tokens);
  if (start !== null && !tokens.isOperator(':')) {
    if (tokens.isOperator(',')) {
      throw new SyntaxProblem(line, 'a subscript with a comma is not supported; use one key');
    }
    tokens.expectOperator(']');
    return { kind: 'item', object, key: start, line };
  }
  tokens.expectOperator(':');
  const bounds: SliceBounds = { start, stop: parseBound(tokens), step: null };
  if (tokens.skipOperator(':')) bounds.step = parseBound(tokens);
  tokens.expectOperator(']');
  return { kind: 'slice', object, bounds, line };
}

function parseBound(tokens: Tokens): Expression | null {
  return tokens.isOperator(':') || tokens.isOperator(']') ? null : parseExpressionOf(tokens);
}

function parseCall(tokens: Tokens, callee: Expression): Expression {
  const { line } = tokens.current();
  return { kind: 'call', callee, ...parseCallArguments(tokens), line };
}

/** `(a, b, name=c)`; the current token is the opening parenthesis. */
export function parseCallArguments(tokens: Tokens): CallArguments {
  const args: Expression[] = [];
  const named: [string, Expression][] = [];
  tokens.expectOperator('(');
  while (!tokens.isOperator(')')) {
    refuseSpread(tokens);
    const isNamed = tokens.current().kind === 'name' && tokens.peek().text === '=';
    if (isNamed) {
      const name = tokens.next().text;
      tokens.next();
      named.push([name, parseExpressionOf(tokens)]);
    } else {
      if (named.length > 0) throw tokens.unexpected('a named argument: others come before it');
      args.push(parseExpressionOf(tokens));
    }
    if (!tokens.skipOperator(',')) break;
  }
  tokens.expectOperator(')');
  return { args, named };
}

function refuseSpread(tokens: Tokens): void {
  if (!tokens.isOperator('*') && !tokens.isOperator('**')) return;
  const { text, line } = tokens.current();
  throw new SyntaxProblem(line, `"${text}" in a call is not supported; write the arguments out`);
}

function parseFiltersAndTests(tokens: Tokens, start: Expression): Expression {
  let expression = start;
  for (let links = 0; ; links += 1) {
    tokens.refuseLongChain(links, start.line);
    if (tokens.isOperator('|')) {
      tokens.next();
      const { text: name, line } = tokens.expectKind('name', 'the name of a filter');
      const call = tokens.isOperator('(') ? parseCallArguments(tokens) : { args: [], named: [] };
      expression = { kind: 'filter', name, input: expression, ...call, line };
    } else if (tokens.isName('is')) expression = parseTest(tokens, expression);
    else if (tokens.isOperator('(')) expression = parseCall(tokens, expression);
    else return expression;
  }
}

function parseTest(tokens: Tokens, input: Expression): Expression {
  const { line } = tokens.next();
  const isNegated = tokens.skipName('not');
  const name = tokens.expectKind('name', 'the name of a test').text;
  const call = parseTestArguments(tokens);
  const test: Expression = { kind: 'test', name, input, ...call, line };
  return isNegated ? { kind: 'not', operand: test, line } : test;
}

/** `is divisibleby(3)`, or without parentheses one plain value: `is divisibleby 3`. */
function parseTestArguments(tokens: Tokens): CallArguments {
  if (tokens.isOperator('(')) return parseCallArguments(tokens);
  const { kind, text, line } = tokens.current();
  const isValue =
    kind === 'string' ||
    kind === 'integer' ||
    kind === 'float' ||
    tokens.isOperator('[') ||
    tokens.isOperator('{');
  const isPlainName = kind === 'name' && !['else', 'or', 'and'].includes(text);
  if (!isValue && !isPlainName) return { args: [], named: [] };
  if (text === 'is' && kind === 'name') {
    throw new SyntaxProblem(line, 'tests cannot be chained with "is"; use "and"');
  }
  return { args: [parsePostfix(tokens, parsePrimary(tokens))], named: [] };
}

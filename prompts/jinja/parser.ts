import { nearestName } from '#domain/nearest-name.ts';
import { parseCallArguments, parseExpressionOf, parseTuple } from './expression-parser.ts';
import { tokenizeExpression, tokenizeTemplate } from './lexer.ts';
import {
  type Expression,
  type FilterUse,
  type MacroBody,
  type MacroParameter,
  type Statement,
  SyntaxProblem,
  type Target,
} from './syntax.ts';
import { openTokens, type Tokens } from './tokens.ts';

/** The tree of a template text. Throws SyntaxProblem with the line of what cannot be used. */
export function parseTemplate(source: string): Statement[] {
  const tokens = openTokens(tokenizeTemplate(source));
  return parseBody(tokens, []);
}

/** The tree of a bare expression, such as a step's `when`. */
export function parseCondition(source: string): Expression {
  if (/^\s*\{[{%]/.test(source)) {
    throw new SyntaxProblem(1, 'this is an expression already: write it without {{ }} or {% %}');
  }
  const tokens = openTokens(tokenizeExpression(source));
  const expression = parseExpressionOf(tokens);
  if (tokens.current().kind !== 'end') {
    throw tokens.unexpected('the end of the expression');
  }
  return expression;
}

/** Statements up to a tag in `ends`, whose name is then the current token. */
function parseBody(tokens: Tokens, ends: readonly string[]): Statement[] {
  const body: Statement[] = [];
  for (;;) {
    const token = tokens.current();
    if (token.kind === 'end') {
      if (ends.length === 0) return body;
      throw new SyntaxProblem(
        tokens.openedAt(),
        `this tag is not closed: {% ${ends[ends.length - 1]} %} is missing`,
      );
    }
    tokens.next();
    if (token.kind === 'text') {
      body.push({ kind: 'text', text: token.text, line: token.line });
    } else if (token.kind === 'output-begin') {
      body.push({ kind: 'output', value: parseTuple(tokens), line: token.line });
      tokens.expectKind('output-end', '}}');
    } else {
      const tag = tokens.current();
      if (tag.kind === 'name' && ends.includes(tag.text)) return body;
      body.push(tokens.nested(tag.line, () => parseTag(tokens)));
      tokens.expectKind('tag-end', '%}');
    }
  }
}

const parsers: Record<string, (tokens: Tokens, line: number) => Statement> = {
  if: parseIf,
  for: parseFor,
  set: parseSet,
  macro: parseMacro,
  call: parseCallBlock,
  filter: parseFilterBlock,
  with: parseWith,
};

const refusedTags: Record<string, string> = {
  include: 'includes are not supported; copy the text into the step',
  import: 'imports are not supported; copy the macro into the step',
  from: 'imports are not supported; copy the macro into the step',
  extends: 'template inheritance is not supported; write the text in one step',
  block: 'template inheritance is not supported; write the text in place',
  autoescape: 'a prompt is plain text and is never escaped; remove this tag',
  do: 'the do extension is not supported; use {% set _ = … %}',
  break: 'the loop control extension is not supported; use {% for … if … %}',
  continue: 'the loop control extension is not supported; use {% for … if … %}',
  trans: 'translation is not supported',
  print: 'print is not supported; write {{ … }}',
  debug: 'the debug extension is not supported',
};

function parseTag(tokens: Tokens): Statement {
  const { text: tag, line } = tokens.expectKind('name', 'the name of a tag');
  const parse = Object.hasOwn(parsers, tag) ? parsers[tag] : undefined;
  if (parse !== undefined) return parse(tokens, line);
  const reason = Object.hasOwn(refusedTags, tag) ? refusedTags[tag] : undefined;
  if (reason !== undefined) throw new SyntaxProblem(line, `{% ${tag} %}: ${reason}`);
  if (tag.startsWith('end') || tag === 'else' || tag === 'elif') {
    throw new SyntaxProblem(line, `{% ${tag} %} closes nothing that is open here`);
  }
  const nearest = nearestName(tag, [...Object.keys(parsers), 'raw']);
  const advice =
    nearest === null
      ? `known are ${Object.keys(parsers).join(', ')}, raw`
      : `did you mean "${nearest}"?`;
  throw new SyntaxProblem(line, `unknown tag "${tag}"; ${advice}`);
}

/** A body after its opening tag, and the name of the tag that ended it. */
function parseBlock(tokens: Tokens, line: number, ends: readonly string[]): [Statement[], string] {
  tokens.expectKind('tag-end', '%}');
  const body = tokens.within(line, () => parseBody(tokens, ends));
  return [body, tokens.next().text];
}

function parseIf(tokens: Tokens, line: number): Statement {
  const branches: [Expression, Statement[]][] = [];
  let end = 'elif';
  while (end === 'elif') {
    const test = parseTuple(tokens, { isConditional: false });
    const [body, ended] = parseBlock(tokens, line, ['elif', 'else', 'endif']);
    branches.push([test, body]);
    end = ended;
  }
  const otherwise = end === 'else' ? parseBlock(tokens, line, ['endif'])[0] : [];
  return { kind: 'if', branches, otherwise, line };
}

function parseFor(tokens: Tokens, line: number): Statement {
  const target = parseTarget(tokens, false);
  tokens.expectName('in');
  const items = parseTuple(tokens, { isConditional: false });
  const test = tokens.skipName('if') ? parseExpressionOf(tokens) : null;
  if (tokens.isName('recursive')) {
    throw new SyntaxProblem(
      line,
      'recursive loops are not supported; use a macro that calls itself',
    );
  }
  const [body, end] = parseBlock(tokens, line, ['endfor', 'else']);
  const otherwise = end === 'else' ? parseBlock(tokens, line, ['endfor'])[0] : [];
  return { kind: 'for', target, items, test, body, otherwise, line };
}

function parseSet(tokens: Tokens, line: number): Statement {
  const target = parseTarget(tokens, true);
  if (tokens.skipOperator('=')) return { kind: 'set', target, value: parseTuple(tokens), line };
  const filters = tokens.isOperator('|') ? parseFilterUses(tokens) : [];
  const [body] = parseBlock(tokens, line, ['endset']);
  return { kind: 'set-block', target, filters, body, line };
}

/** One name, or several separated by commas or in parentheses. */
function parseTarget(tokens: Tokens, mayBeNamespace: boolean): Target {
  const line = tokens.current().line;
  const targets = [parseOneTarget(tokens, mayBeNamespace)];
  let isTuple = false;
  while (tokens.skipOperator(',')) {
    isTuple = true;
    if (tokens.isName('in') || tokens.isOperator('=') || tokens.isOperator(')')) break;
    targets.push(parseOneTarget(tokens, mayBeNamespace));
  }
  const [first] = targets;
  return first !== undefined && !isTuple ? first : { kind: 'unpack', targets, line };
}

function parseOneTarget(tokens: Tokens, mayBeNamespace: boolean): Target {
  const line = tokens.current().line;
  if (tokens.skipOperator('(')) {
    const inner = tokens.nested(line, () => parseTarget(tokens, mayBeNamespace));
    tokens.expectOperator(')');
    return inner;
  }
  const name = bindableName(tokens);
  if (mayBeNamespace && tokens.skipOperator('.')) {
    const attribute = tokens.expectKind('name', 'an attribute of the namespace').text;
    return { kind: 'namespace', name, attribute, line };
  }
  return { kind: 'name', name, line };
}

const constants = new Set(['true', 'false', 'none', 'True', 'False', 'None']);

function bindableName(tokens: Tokens): string {
  const { text, line } = tokens.expectKind('name', 'a name');
  if (constants.has(text))
    throw new SyntaxProblem(line, `"${text}" is a constant and cannot be set`);
  if (text === 'steps') {
    throw new SyntaxProblem(line, '"steps" holds the outputs of other steps; choose another name');
  }
  return text;
}

function parseMacro(tokens: Tokens, line: number): Statement {
  const name = bindableName(tokens);
  const parameters = parseParameters(tokens);
  const [body] = parseBlock(tokens, line, ['endmacro']);
  return { kind: 'macro', name, parameters, body, line };
}

function parseParameters(tokens: Tokens): MacroParameter[] {
  const parameters: MacroParameter[] = [];
  tokens.expectOperator('(');
  while (!tokens.isOperator(')')) {
    if (parameters.length > 0) tokens.expectOperator(',');
    const { line } = tokens.current();
    const name = bindableName(tokens);
    const fallback = tokens.skipOperator('=') ? parseExpressionOf(tokens) : null;
    if (fallback === null && parameters.some((parameter) => parameter.fallback !== null)) {
      throw new SyntaxProblem(
        line,
        `parameter "${name}" needs a default: the one before it has one`,
      );
    }
    parameters.push({ name, fallback });
  }
  tokens.expectOperator(')');
  return parameters;
}

function parseCallBlock(tokens: Tokens, line: number): Statement {
  const parameters = tokens.isOperator('(') ? parseParameters(tokens) : [];
  const call = parseExpressionOf(tokens);
  if (call.kind !== 'call') throw new SyntaxProblem(line, '{% call %} needs a call, such as box()');
  const [body] = parseBlock(tokens, line, ['endcall']);
  const macro: MacroBody = { parameters, body };
  return { kind: 'call-block', call, ...macro, line };
}

function parseFilterBlock(tokens: Tokens, line: number): Statement {
  const filters = [
    parseFilterUse(tokens),
    ...(tokens.isOperator('|') ? parseFilterUses(tokens) : []),
  ];
  const [body] = parseBlock(tokens, line, ['endfilter']);
  return { kind: 'filter-block', filters, body, line };
}

function parseFilterUses(tokens: Tokens): FilterUse[] {
  const uses: FilterUse[] = [];
  while (tokens.skipOperator('|')) uses.push(parseFilterUse(tokens));
  return uses;
}

function parseFilterUse(tokens: Tokens): FilterUse {
  const { text: name, line } = tokens.expectKind('name', 'the name of a filter');
  const call = tokens.isOperator('(') ? parseCallArguments(tokens) : { args: [], named: [] };
  return { name, line, ...call };
}

function parseWith(tokens: Tokens, line: number): Statement {
  const bindings: [Target, Expression][] = [];
  while (tokens.current().kind !== 'tag-end') {
    if (bindings.length > 0) tokens.expectOperator(',');
    const target = parseOneTarget(tokens, false);
    tokens.expectOperator('=');
    bindings.push([target, parseExpressionOf(tokens)]);
  }
  const [body] = parseBlock(tokens, line, ['endwith']);
  return { kind: 'with', bindings, body, line };
}

import type { Token, TokenKind } from './lexer.ts';
import { SyntaxProblem } from './syntax.ts';

/** Reading tokens one after another, with the complaints that a wrong one deserves. */
export interface Tokens {
  current(): Token;
  /** The current token, which is then passed. */
  next(): Token;
  /** The token after the current one. */
  peek(): Token;
  isOperator(text: string): boolean;
  isName(text: string): boolean;
  skipOperator(text: string): boolean;
  skipName(text: string): boolean;
  expectOperator(text: string): Token;
  expectName(text: string): Token;
  expectKind(kind: TokenKind, what: string): Token;
  unexpected(expected: string): SyntaxProblem;
  /** Runs a parser one level deeper; refuses what is nested too deep for anyone to read. */
  nested<T>(line: number, parse: () => T): T;
  /** Refuses the next link of a chain (`a.b.c`, `a + b + c`, `a | b | c`) once it is too long. */
  refuseLongChain(links: number, line: number): void;
  /** Runs the parser of a tag's body, so that a missing end names the line where it began. */
  within<T>(line: number, parse: () => T): T;
  openedAt(): number;
}

/** Levels of tags, brackets and operators within each other. The sandbox's stack holds three times this. */
export const nestingMax = 30;

/** Links of one chain: each is a level of recursion when it is evaluated. */
const chainMax = 60;

export function openTokens(tokens: readonly Token[]): Tokens {
  const last: Token = tokens[tokens.length - 1] ?? { kind: 'end', text: '', line: 1 };
  let position = 0;
  let depth = 0;
  const opened: number[] = [];
  const current = () => tokens[position] ?? last;
  const isOperator = (text: string) => current().kind === 'operator' && current().text === text;
  const isName = (text: string) => current().kind === 'name' && current().text === text;
  const next = () => {
    const token = current();
    position += 1;
    return token;
  };
  const unexpected = (expected: string) =>
    new SyntaxProblem(current().line, `expected ${expected}, found ${describe(current())}`);
  const expect = (isThere: boolean, what: string) => {
    if (!isThere) throw unexpected(what);
    return next();
  };
  const skip = (isThere: boolean) => {
    if (isThere) position += 1;
    return isThere;
  };
  return {
    current,
    next,
    peek: () => tokens[position + 1] ?? last,
    isOperator,
    isName,
    skipOperator: (text) => skip(isOperator(text)),
    skipName: (text) => skip(isName(text)),
    expectOperator: (text) => expect(isOperator(text), `"${text}"`),
    expectName: (text) => expect(isName(text), `"${text}"`),
    expectKind: (kind, what) => expect(current().kind === kind, what),
    unexpected,
    nested(line, parse) {
      depth += 1;
      if (depth > nestingMax) {
        throw new SyntaxProblem(
          line,
          `nested more than ${nestingMax} levels deep; use {% set %} to take it apart`,
        );
      }
      const result = parse();
      depth -= 1;
      return result;
    },
    refuseLongChain(links, line) {
      if (links <= chainMax) return;
      throw new SyntaxProblem(
        line,
        `more than ${chainMax} operations in one chain; use {% set %} to take it apart`,
      );
    },
    within(line, parse) {
      opened.push(line);
      const result = parse();
      opened.pop();
      return result;
    },
    openedAt: () => opened[opened.length - 1] ?? 1,
  };
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'the end of the text';
  if (token.kind === 'tag-end' || token.kind === 'output-end') return `"${token.text.trim()}"`;
  if (token.kind === 'string') return `the string "${token.text.slice(0, 40)}"`;
  return `"${token.text.slice(0, 40)}"`;
}

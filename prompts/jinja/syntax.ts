/** The syntax tree of a template. Every node knows its line, so that every complaint can name it. */
export type Expression =
  | { kind: 'constant'; value: ConstantValue; line: number }
  | { kind: 'name'; name: string; line: number }
  | { kind: 'attribute'; object: Expression; name: string; line: number }
  | { kind: 'item'; object: Expression; key: Expression; line: number }
  | { kind: 'slice'; object: Expression; bounds: SliceBounds; line: number }
  | ({ kind: 'call'; callee: Expression; line: number } & CallArguments)
  | ({ kind: 'filter'; name: string; input: Expression; line: number } & CallArguments)
  | ({ kind: 'test'; name: string; input: Expression; line: number } & CallArguments)
  | { kind: 'not'; operand: Expression; line: number }
  | { kind: 'sign'; isNegative: boolean; operand: Expression; line: number }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression; line: number }
  | { kind: 'and' | 'or'; left: Expression; right: Expression; line: number }
  | { kind: 'compare'; first: Expression; rest: Comparison[]; line: number }
  | { kind: 'concat'; items: Expression[]; line: number }
  | { kind: 'choose'; test: Expression; yes: Expression; no: Expression | null; line: number }
  | { kind: 'list' | 'tuple'; items: Expression[]; line: number }
  | { kind: 'dict'; pairs: [Expression, Expression][]; line: number };

/** A float literal is tagged: `1.0` and `1` print differently in Jinja2 and are one number in JavaScript. */
export type ConstantValue = string | number | boolean | null | { float: number };
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export interface Comparison {
  operator: CompareOperator;
  operand: Expression;
}

export interface SliceBounds {
  start: Expression | null;
  stop: Expression | null;
  step: Expression | null;
}

export interface CallArguments {
  args: Expression[];
  named: [string, Expression][];
}

/** What a `set` or `for` binds: a name, several by unpacking, or an attribute of a namespace. */
export type Target =
  | { kind: 'name'; name: string; line: number }
  | { kind: 'unpack'; targets: Target[]; line: number }
  | { kind: 'namespace'; name: string; attribute: string; line: number };

export type Statement =
  | { kind: 'text'; text: string; line: number }
  | { kind: 'output'; value: Expression; line: number }
  | { kind: 'if'; branches: [Expression, Statement[]][]; otherwise: Statement[]; line: number }
  | ForStatement
  | { kind: 'set'; target: Target; value: Expression; line: number }
  | { kind: 'set-block'; target: Target; filters: FilterUse[]; body: Statement[]; line: number }
  | ({ kind: 'macro'; name: string; line: number } & MacroBody)
  | ({ kind: 'call-block'; call: Expression & { kind: 'call' }; line: number } & MacroBody)
  | { kind: 'filter-block'; filters: FilterUse[]; body: Statement[]; line: number }
  | { kind: 'with'; bindings: [Target, Expression][]; body: Statement[]; line: number };

export interface ForStatement {
  kind: 'for';
  target: Target;
  items: Expression;
  /** The `if` of `for … if`: items that fail it are not counted by `loop`. */
  test: Expression | null;
  body: Statement[];
  otherwise: Statement[];
  line: number;
}

export interface FilterUse extends CallArguments {
  name: string;
  line: number;
}

export interface MacroBody {
  parameters: MacroParameter[];
  body: Statement[];
}

export interface MacroParameter {
  name: string;
  fallback: Expression | null;
}

/** A template text that cannot be used: what is wrong, and on which line (1-based). */
export class SyntaxProblem extends Error {
  readonly line: number;
  constructor(line: number, detail: string) {
    super(detail);
    this.line = line;
  }
}

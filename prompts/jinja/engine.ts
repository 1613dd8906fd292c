import { type Prng, prng } from '#domain/prng.ts';
import { analyseCondition, analyseTemplate } from './analysis.ts';
import type { Analysis } from './analysis-state.ts';
import { compileExpression } from './compile-expression.ts';
import { compileTemplate } from './compile-template.ts';
import { parseCondition, parseTemplate } from './parser.ts';
import { effortMax, openScope, type Run } from './run.ts';
import { SyntaxProblem } from './syntax.ts';
import { isTrue, RenderProblem, type UndefinedHandling, type Value } from './values.ts';

/** The texts of a step. */
export interface StepTexts {
  readonly prompt: string;
  readonly system: string | null;
  readonly when: string | null;
}

export type TextName = keyof StepTexts;

export interface RenderInput {
  readonly row: Record<string, Value>;
  readonly outputs: Record<string, string>;
  readonly jobSeed: number;
  readonly recordIndex: number;
  readonly step: string;
  readonly mode: UndefinedHandling;
  readonly charactersMax: number;
}

export type EngineResult =
  | { readonly kind: 'rendered'; readonly prompt: string; readonly system: string | null }
  | { readonly kind: 'skipped' }
  | {
      readonly kind: 'failed';
      readonly failure: RenderProblem['kind'];
      readonly text: TextName;
      readonly line: number | null;
      readonly path: string | null;
      readonly detail: string;
    };

/** A step whose texts are compiled, ready to render for any row. Throws SyntaxProblem on what `check` refuses. */
export function compileStep({
  prompt,
  system,
  when,
}: StepTexts): (input: RenderInput) => EngineResult {
  const writePrompt = compileTemplate(parseTemplate(prompt));
  const writeSystem = system === null ? null : compileTemplate(parseTemplate(system));
  const test = when === null ? null : compileExpression(parseCondition(when));
  return (input) => {
    const run = openRun(input);
    let text: TextName = 'when';
    try {
      if (test !== null && !isTrue(test(openScope(run, null)))) return { kind: 'skipped' };
      text = 'prompt';
      const renderedPrompt = writePrompt(run);
      text = 'system';
      return { kind: 'rendered', prompt: renderedPrompt, system: writeSystem?.(run) ?? null };
    } catch (error) {
      if (error instanceof RenderProblem) return failed(error, text);
      throw error;
    }
  };
}

/** Few templates are random, and keying the stream costs as much as a short rendering. */
function lazyPrng({ jobSeed, recordIndex, step }: RenderInput): Prng {
  let random: Prng | null = null;
  const opened = () => {
    random ??= prng(jobSeed, recordIndex, step);
    return random;
  };
  return { next: () => opened().next(), below: (bound) => opened().below(bound) };
}

/** The compiled step, or the failure of its rendering: only templates that were never checked come to this. */
export function compileOrFail(texts: StepTexts): ReturnType<typeof compileStep> | EngineResult {
  try {
    return compileStep(texts);
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    const { line, message } = error;
    return {
      kind: 'failed',
      failure: 'template-error',
      text: 'prompt',
      line,
      path: null,
      detail: message,
    };
  }
}

function openRun(input: RenderInput): Run {
  const steps = Object.entries(input.outputs).map(([id, output]) => [id, { output }] as const);
  return {
    mode: input.mode,
    random: lazyPrng(input),
    row: input.row,
    steps: Object.fromEntries(steps),
    charactersLeft: input.charactersMax,
    effortLeft: effortMax,
  };
}

function failed(problem: RenderProblem, text: TextName): EngineResult {
  const { kind, line, path, message } = problem;
  return {
    kind: 'failed',
    failure: kind,
    text,
    line: line === 0 ? null : line,
    path,
    detail: message,
  };
}

export type TextAnalysis = Analysis | { readonly syntax: string; readonly line: number };

/** What one text of a step reads and what is wrong with it; or the first thing that keeps it from being read. */
export function analyseText(name: TextName, text: string): TextAnalysis {
  try {
    return name === 'when'
      ? analyseCondition(parseCondition(text))
      : analyseTemplate(parseTemplate(text));
  } catch (error) {
    if (error instanceof SyntaxProblem) return { syntax: error.message, line: error.line };
    throw error;
  }
}

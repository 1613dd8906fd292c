import { type StepGraph, type StepReference, stepGraph } from '#domain/step-graph.ts';
import type { Step, Template, Variable } from '#domain/template.ts';
import type { TemplateCheck, TemplateProblem } from './contract.ts';
import { readTemplate } from './document.ts';
import type { Analysis, Note } from '#prompts/jinja/analysis-state.ts';
import type { TextAnalysis } from '#prompts/jinja/engine.ts';
import type { Sandbox } from './sandbox.ts';
import { problemsMax } from './template-limits.ts';

/** All that is known about a template without rendering it. Its texts are only ever parsed in the sandbox. */
export async function checkTemplate(document: string, sandbox: Sandbox): Promise<TemplateCheck> {
  const read = await readTemplate(document);
  if (read.kind === 'invalid') return read;
  const { template } = read;
  const texts = await Promise.all(textsOf(template).map((text) => analyse(text, sandbox)));
  const problems = texts.flatMap(({ problems: own }) => own);
  if (problems.length > 0) return { kind: 'invalid', problems: problems.slice(0, problemsMax) };
  const graph = stepGraph(
    template.steps.map(({ id }) => id),
    texts.flatMap(referencesOf),
  );
  if (graph.kind === 'invalid') return { kind: 'invalid', problems: graphProblems(graph, texts) };
  return {
    kind: 'valid',
    template,
    graph: graph.nodes,
    variables: variablesOf(texts),
    warnings: texts.flatMap(({ step, name, analysis }) =>
      (analysis?.warnings ?? []).map(
        (note) => `step '${step.id}', ${name}, line ${note.line}: ${note.detail}`,
      ),
    ),
  };
}

type TextName = 'prompt' | 'system' | 'when';

interface Text {
  readonly step: Step;
  readonly name: TextName;
  readonly pointer: string;
  readonly source: string;
}

interface AnalysedText extends Text {
  readonly analysis: Analysis | null;
  readonly problems: readonly TemplateProblem[];
}

function textsOf({ steps }: Template): Text[] {
  return steps.flatMap((step, index) =>
    (['when', 'prompt', 'system'] as const).flatMap((name) => {
      const source = step[name];
      return source === null ? [] : [{ step, name, pointer: `/steps/${index}/${name}`, source }];
    }),
  );
}

async function analyse(text: Text, sandbox: Sandbox): Promise<AnalysedText> {
  const { pointer } = text;
  const answer = await sandbox.run(['analyse', text.name, text.source]);
  if (answer.kind !== 'answered') {
    const detail = `cannot be checked within the limits (${answer.detail}); shorten or simplify it`;
    return { ...text, analysis: null, problems: [{ pointer, line: null, detail }] };
  }
  const analysis: TextAnalysis = JSON.parse(answer.json);
  if ('syntax' in analysis) {
    return {
      ...text,
      analysis: null,
      problems: [{ pointer, line: analysis.line, detail: analysis.syntax }],
    };
  }
  const problem = ({ line, detail }: Note) => ({ pointer, line, detail });
  return { ...text, analysis, problems: analysis.problems.map(problem) };
}

function referencesOf({ step, name, analysis }: AnalysedText): StepReference[] {
  return (analysis?.steps ?? []).map(({ id, line }) => ({
    from: step.id,
    to: id,
    text: name,
    line,
  }));
}

function graphProblems(
  graph: StepGraph & { kind: 'invalid' },
  texts: readonly AnalysedText[],
): TemplateProblem[] {
  return graph.problems.map(({ reference, detail }) => {
    const text = texts.find(
      ({ step, name }) => step.id === reference.from && name === reference.text,
    );
    return { pointer: text?.pointer ?? '', line: reference.line, detail };
  });
}

/** Each path once, at its first use; required if any use requires it. */
function variablesOf(texts: readonly AnalysedText[]): Variable[] {
  const variables = new Map<string, Variable>();
  for (const { step, analysis } of texts) {
    for (const { path, line, isRequired } of analysis?.variables ?? []) {
      const known = variables.get(path);
      const isNeeded = (isRequired && step.when === null) || known?.use === 'required';
      const first = known ?? { path, step: step.id, line };
      variables.set(path, { ...first, use: isNeeded ? 'required' : 'optional' });
    }
  }
  return [...variables.values()];
}

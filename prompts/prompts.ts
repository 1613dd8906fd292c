import { type Failure, failure } from '#domain/failure.ts';
import type { JsonObject } from '#domain/json.ts';
import type { Step } from '#domain/template.ts';
import { checkTemplate } from './check.ts';
import type { Prompts, RenderOutcome, RenderRequest } from './contract.ts';
import type { EngineResult } from '#prompts/jinja/engine.ts';
import { openSandbox, type Sandbox } from './sandbox.ts';
import { promptCharactersMax } from './template-limits.ts';

export interface PromptsOptions {
  /** Characters of a rendered text; a longer one fails its record. */
  readonly promptCharactersMax?: number;
}

/** Checks and renders templates in a sandbox thread of its own, which lives until `close`. */
export async function createPrompts(options: PromptsOptions = {}): Promise<Prompts> {
  const sandbox = openSandbox();
  const charactersMax = options.promptCharactersMax ?? promptCharactersMax;
  return {
    check: (document) => checkTemplate(document, sandbox),
    render: (request) => render(request, sandbox, charactersMax),
    close: () => sandbox.close(),
  };
}

async function render(
  request: RenderRequest,
  sandbox: Sandbox,
  charactersMax: number,
): Promise<RenderOutcome> {
  const step = request.template.steps.find(({ id }) => id === request.step);
  if (step === undefined) throw new Error(`template has no step "${request.step}"`);
  const key = `${request.templateSha256}/${step.id}`;
  const answer = await sandbox.run(['render', key, callJson(request, key, charactersMax)], {
    key,
    json: () => textsJson(step),
  });
  if (answer.kind === 'answered') return outcomeOf(JSON.parse(answer.json), request);
  const kind = answer.kind === 'exhausted' ? 'render-limit' : 'template-error';
  return { kind: 'failed', failure: failure(kind, stoppedMessage(answer.detail, request)) };
}

function textsJson({ prompt, system, when }: Step): string {
  return JSON.stringify({ prompt, system, when });
}

/** The text of a row is made once, however many steps are rendered from it. */
const rowTexts = new WeakMap<JsonObject, string>();

function rowText(row: JsonObject): string {
  const known = rowTexts.get(row);
  if (known !== undefined) return known;
  const text = JSON.stringify(row);
  rowTexts.set(row, text);
  return text;
}

function callJson(request: RenderRequest, key: string, charactersMax: number): string {
  const { outputs, jobSeed, recordIndex, step, undefinedMode: mode } = request;
  const rest = JSON.stringify({ key, outputs, jobSeed, recordIndex, step, mode, charactersMax });
  return `{"row":${rowText(request.row)},${rest.slice(1)}`;
}

function outcomeOf(result: EngineResult, request: RenderRequest): RenderOutcome {
  if (result.kind !== 'failed') return result;
  return { kind: 'failed', failure: failureOf(result, request) };
}

function failureOf(result: EngineResult & { kind: 'failed' }, request: RenderRequest): Failure {
  const { failure: kind, detail, path } = result;
  const advice = kind === 'undefined-variable' ? `; ${adviceFor(path, request)}` : '';
  return failure(kind, `${placeOf(result, request)}: ${detail}${advice}`);
}

function placeOf(
  { text, line }: { text: string; line: number | null },
  request: RenderRequest,
): string {
  const where = text === 'prompt' ? '' : `, ${text}`;
  return `record ${request.recordIndex}, step '${request.step}'${where}${line === null ? '' : `, line ${line}`}`;
}

function adviceFor(path: string | null, { template, outputs }: RenderRequest): string {
  const skipped = /^steps[.[]"?(\w+)/.exec(path ?? '')?.[1];
  const isSkipped =
    template.steps.some(({ id }) => id === skipped) && !Object.hasOwn(outputs, skipped ?? '');
  if (skipped !== undefined && isSkipped) {
    return `step '${skipped}' was skipped for this record: add | default('')`;
  }
  return "add it to the seed row, or write | default('…')";
}

function stoppedMessage(detail: string, request: RenderRequest): string {
  const place = `record ${request.recordIndex}, step '${request.step}'`;
  return `${place}: the rendering was stopped (${detail}); shorten its loops, its nesting or its texts`;
}

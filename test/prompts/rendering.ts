import { createHash } from 'node:crypto';
import type { JsonObject } from '#domain/json.ts';
import type { Template } from '#domain/template.ts';
import type { Prompts, RenderOutcome, RenderRequest } from '#prompts/contract.ts';

/** What the tests of prompts build templates and requests with. */
export interface StepText {
  id?: string;
  prompt: string;
  system?: string;
  when?: string;
}

export function documentOf(...steps: StepText[]): string {
  const withIds = steps.map((step, index) => ({ id: `s${index}`, ...step }));
  return JSON.stringify({ template: { name: 'test', steps: withIds } });
}

export async function valid(prompts: Prompts, document: string) {
  const check = await prompts.check(document);
  if (check.kind === 'invalid') throw new Error(JSON.stringify(check.problems));
  return check;
}

export async function problemsOf(prompts: Prompts, document: string) {
  const check = await prompts.check(document);
  return check.kind === 'invalid' ? check.problems : [];
}

export function requestFor(
  template: Template,
  row: JsonObject,
  more: Partial<RenderRequest> = {},
): RenderRequest {
  const [first] = template.steps;
  return {
    templateSha256: createHash('sha256').update(JSON.stringify(template)).digest('hex'),
    template,
    step: first?.id ?? '',
    row,
    outputs: {},
    jobSeed: 42,
    recordIndex: 17,
    undefinedMode: 'error',
    ...more,
  };
}

/** Requests a text that was not checked first, as a hostile caller would. */
export function uncheckedRequest(
  prompt: string,
  row: JsonObject = {},
  more: Partial<RenderRequest> = {},
): RenderRequest {
  const step = {
    id: 's0',
    model: null,
    tier: 'cheap',
    prompt,
    system: null,
    when: null,
    maxTokens: 10,
    temperature: null,
    topP: null,
    stop: [],
  } as const;
  return requestFor({ name: 't', description: '', category: '', steps: [step] }, row, more);
}

export function textOf(outcome: RenderOutcome): string {
  return outcome.kind === 'rendered' ? outcome.prompt : JSON.stringify(outcome);
}

export function messageOf(outcome: RenderOutcome): string {
  return outcome.kind === 'failed'
    ? `${outcome.failure.kind}: ${outcome.failure.message}`
    : outcome.kind;
}

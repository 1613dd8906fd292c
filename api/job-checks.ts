import type { JsonObject } from '#domain/json.ts';
import { formatUsd, type PicoUsd, smaller } from '#domain/money.ts';
import {
  inputTokensBound,
  inputTokensOverhead,
  isPricedIn,
  type ModelPrice,
  modelOf,
  modelsNear,
  priceOf,
  worstCaseCost,
} from '#domain/pricing.ts';
import type { PathRows, VariableReport } from '#domain/seed.ts';
import type { Step, UndefinedMode } from '#domain/template.ts';
import type { StoredTemplate } from '#store/contract.ts';
import type { ApiPorts } from './ports.ts';
import { Problem, type ProblemError } from './problem.ts';
import { shown } from './request.ts';
import { grouped } from './schemas.ts';

/** Refuses models without a price: their cost could not be limited. `region` null asks for no region. */
export function requirePrices(
  steps: readonly Step[],
  override: string | null,
  region: string | null,
): void {
  const asked =
    override === null
      ? steps.map((step, at) => ({ pointer: `/steps/${at}/model`, model: modelOf(step), step }))
      : [{ pointer: '/model', model: override, step: null }];
  const unpriced = asked.filter(({ model }) => !hasPrice(model, region));
  if (unpriced.length === 0) return;
  const errors = unpriced.map(({ pointer, model }) => ({ pointer, detail: nearOf(model, region) }));
  const who = unpriced.map(({ step, model }) =>
    step === null
      ? `The job asks for ${shown(model)}.`
      : `Step '${step.id}' asks for ${shown(model)}.`,
  );
  throw new Problem('model_unpriced', {
    detail: `${who.join(' ')} Its price is not known, so its cost could not be limited. Nothing was sent.`,
    errors,
    hint: 'GET /v1/models lists every model with a price.',
  });
}

function hasPrice(model: string, region: string | null): boolean {
  const price = priceOf(model);
  return price !== null && (region === null || isPricedIn(price, region));
}

function nearOf(model: string, region: string | null): string {
  const price = priceOf(model);
  if (price !== null) {
    return `its price is known in ${price.regions?.join(', ')}, not in ${region}`;
  }
  const near = modelsNear(model);
  return near.length === 0 ? 'no known model is like it' : `closest known: ${near.join(', ')}`;
}

/** Refuses seed rows that lack required variables, unless absent ones are to print as nothing. */
export function requireCompleteRows(
  report: VariableReport,
  rows: number,
  mode: UndefinedMode,
): void {
  if (mode === 'empty' || report.missing.length === 0) return;
  const errors: ProblemError[] = report.missing.map((missing) => ({
    pointer: '/seeds',
    detail: `${shown(missing.path)} is absent in ${countOf(missing, rows)}, first in ${rowsOf(missing)}`,
  }));
  throw new Problem('seed_rows_incomplete', {
    detail: `The template requires variables that seed rows lack: ${report.missing.map(({ path }) => path).join(', ')}. Each such row would fail.`,
    errors,
    hint: 'Complete the rows, give the template a default such as {{ name or "unknown" }}, or send "undefined": "empty".',
  });
}

/** Sentences about values that will print, though not as anyone means them. */
export function rowWarnings(
  report: VariableReport,
  stored: StoredTemplate,
  rows: number,
  mode: UndefinedMode,
): string[] {
  const required = new Set(
    stored.variables.filter(({ use }) => use === 'required').map(({ path }) => path),
  );
  const nulls = report.nulls
    .filter(({ path }) => required.has(path))
    .map(
      (found) =>
        `'${found.path}' is null in ${countOf(found, rows)}: it prints as 'None'; write {{ ${found.path} or 'unknown' }}`,
    );
  if (mode === 'error') return nulls;
  const absent = report.missing.map(
    (missing) => `'${missing.path}' is absent in ${countOf(missing, rows)}: it prints as nothing`,
  );
  return [...absent, ...nulls];
}

function countOf(found: PathRows, rows: number): string {
  return `${grouped(found.rows)} of ${grouped(rows)} rows`;
}

function rowsOf({ first }: PathRows): string {
  return `${first.length === 1 ? 'row' : 'rows'} ${first.join(', ')} (counted from 0)`;
}

/** What the first call of a job needs to be known. */
export interface FirstCall {
  readonly stored: StoredTemplate;
  readonly override: string | null;
  readonly jobSeed: number;
  readonly undefinedMode: UndefinedMode;
}

/** Refuses a limit under what any first call could cost at worst: such a job would only stop. */
export async function requirePayable(
  prompts: ApiPorts['prompts'],
  call: FirstCall,
  rows: readonly JsonObject[],
  limit: PicoUsd,
): Promise<void> {
  const least = await leastWorstCase(prompts, call, rows);
  if (least === null || limit >= least) return;
  throw new Problem('limit_too_small', {
    detail: `The limit is $${formatUsd(limit)}; one call of this job can cost up to $${formatUsd(least)}, and no call is started that the limit could not pay.`,
    errors: [{ pointer: '/limit', detail: `at least ${formatUsd(least)} is needed for one call` }],
    hint: "Raise the limit, choose a cheaper model, or lower the template's max_tokens.",
  });
}

/** The least that one of the first calls of these rows can cost at worst; null where none is sent. */
async function leastWorstCase(
  prompts: ApiPorts['prompts'],
  call: FirstCall,
  rows: readonly JsonObject[],
): Promise<PicoUsd | null> {
  const roots = new Set(
    call.stored.graph.filter(({ needs }) => needs.length === 0).map(({ id }) => id),
  );
  const steps = call.stored.template.steps.filter(({ id }) => roots.has(id));
  let least: PicoUsd | null = null;
  for (const [recordIndex, row] of rows.entries()) {
    for (const step of steps) {
      const tokens = await inputBound(prompts, call, { step: step.id, row, recordIndex });
      if (tokens === null) continue;
      const worst = worstCaseCost(priceOfStep(step, call.override), {
        inputTokens: tokens,
        outputTokens: step.maxTokens,
      });
      least = least === null ? worst : smaller(least, worst);
    }
  }
  return least;
}

async function inputBound(
  prompts: ApiPorts['prompts'],
  call: FirstCall,
  at: { readonly step: string; readonly row: JsonObject; readonly recordIndex: number },
): Promise<number | null> {
  const outcome = await prompts.render({
    ...at,
    templateSha256: call.stored.sha256,
    template: call.stored.template,
    outputs: {},
    jobSeed: call.jobSeed,
    undefinedMode: call.undefinedMode,
  });
  switch (outcome.kind) {
    case 'rendered':
      return inputTokensBound(outcome.system, outcome.prompt);
    case 'skipped':
      return null;
    case 'failed':
      // The record would fail without a call; another row's may be sent, and costs this at the least.
      return inputTokensOverhead;
  }
}

function priceOfStep(step: Step, override: string | null): ModelPrice {
  const price = priceOf(override ?? modelOf(step));
  if (price === null) throw new Error(`step ${step.id} has no price after its price was checked`);
  return price;
}

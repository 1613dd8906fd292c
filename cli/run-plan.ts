import { add, formatUsd, pico, type PicoUsd, usd, zero } from '#domain/money.ts';
import type { JobRequest } from './api-client.ts';
import type { ModelList, SeedSetBody, TemplateBody } from './job-body.ts';
import { shortUsd } from './money-text.ts';
import { grouped } from './progress-line.ts';

export interface RunPlan {
  readonly template: TemplateBody;
  readonly seeds: SeedSetBody;
  readonly request: JobRequest;
  readonly models: ModelList;
}

type PlannedStep = TemplateBody['steps'][number];

/** What is about to be paid for, before anything is. */
export function planLines(plan: RunPlan): string[] {
  const { template, seeds, request } = plan;
  const steps = `${template.steps.length} ${template.steps.length === 1 ? 'step' : 'steps'}`;
  const models = [...new Set(template.steps.map((step) => modelOf(plan, step)))].join(', ');
  return [
    `  ${template.name} · ${models} · ${grouped(seeds.rows)} seed ${seeds.rows === 1 ? 'row' : 'rows'} · ${grouped(request.records)} records x ${steps}`,
    `  ${moneyLine(plan)}`,
    ...template.warnings.map((warning) => `  note: ${warning}`),
    ...seeds.warnings.map((warning) => `  note: ${warning}`),
  ];
}

function moneyLine(plan: RunPlan): string {
  const { request } = plan;
  const limit = `never more than the limit of ${shortUsd(request.limit)}`;
  const answers = answersCostMax(plan);
  if (answers === null) return limit;
  const calls = grouped(request.records * plan.template.steps.length);
  return `answers of ${calls} calls cost at most ${shortUsd(formatUsd(answers))}, prompts come on top; ${limit}`;
}

/** If every answer had all the tokens that it may have; null where a price is not known. */
export function answersCostMax(plan: RunPlan): PicoUsd | null {
  let perRecord = zero;
  for (const step of plan.template.steps) {
    const model = modelOf(plan, step);
    const price = plan.models.data.find(({ id }) => id === model);
    if (price === undefined) return null;
    const perToken = usd(price.output_usd_per_mtok) / 1_000_000n;
    perRecord = add(perRecord, pico(perToken * BigInt(step.max_tokens)));
  }
  return pico(perRecord * BigInt(plan.request.records));
}

function modelOf({ request, models }: RunPlan, step: PlannedStep): string {
  const ofTier = models.data.find(({ tier }) => tier === step.tier)?.id;
  return request.model ?? step.model ?? ofTier ?? step.tier;
}

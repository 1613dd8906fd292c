/**
 * One record's steps as one deterministic program: which prompts it renders and which answers it asks
 * for depend on the row, the template and the answers alone. Where an answer comes from, the journal or
 * the provider, is the business of `ask`.
 */
import { judgeAnswer } from '#domain/answer.ts';
import { type Failure, failure, reactionTo } from '#domain/failure.ts';
import type { JsonObject } from '#domain/json.ts';
import { inputTokensBound, type ModelPrice } from '#domain/pricing.ts';
import type { Step } from '#domain/template.ts';
import type { RenderOutcome } from '#prompts/contract.ts';
import type { JournalEntry } from '#store/contract.ts';
import type { JobContext } from './job-context.ts';

export interface RecordInput {
  readonly index: number;
  readonly row: JsonObject;
  readonly rowIndex: number;
  readonly rowSha256: string;
}

/** A rendered step that needs an answer. */
export interface Question {
  readonly record: number;
  readonly step: Step;
  /** Counts paid answers to this question, from 0. */
  readonly try: number;
  readonly price: ModelPrice;
  readonly prompt: string;
  readonly system: string | null;
}

/** An answer with the hold that paid for it. */
export interface Paid {
  readonly hold: string;
  readonly entry: JournalEntry;
}

export type Asked =
  | { readonly kind: 'answered'; readonly paid: Paid }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'not-started' };

export type Ask = (question: Question) => Promise<Asked>;

export interface StepText {
  readonly step: string;
  readonly text: string;
  readonly model: string;
}

interface RecordEnd {
  readonly input: RecordInput;
  /** Every paid answer, used or not, in the order of the template's steps. */
  readonly paid: readonly Paid[];
}

export type RecordOutcome =
  | (RecordEnd & { readonly kind: 'accepted'; readonly steps: readonly StepText[] })
  | (RecordEnd & { readonly kind: 'failed'; readonly step: string; readonly failure: Failure })
  | (RecordEnd & { readonly kind: 'not-started' });

/** Paid answers to one step of one record at most, and lost ones too: the first and five more. */
export const triesMax = 6;

type StepOutcome =
  | { readonly kind: 'text'; readonly text: StepText; readonly paid: readonly Paid[] }
  | { readonly kind: 'skipped'; readonly paid: readonly Paid[] }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly paid: readonly Paid[] }
  | { readonly kind: 'not-started'; readonly paid: readonly Paid[] };

/** What the steps of one record share. */
interface Program {
  readonly job: JobContext;
  readonly input: RecordInput;
  readonly ask: Ask;
  /** Steps begin in the order of the template, which names what a step reads before it. */
  readonly outcomes: ReadonlyMap<string, Promise<StepOutcome>>;
}

/** Runs a record to its end, or as far as `ask` has answers. Never rejects for what a record does. */
export async function runRecord(
  job: JobContext,
  input: RecordInput,
  ask: Ask,
): Promise<RecordOutcome> {
  const outcomes = new Map<string, Promise<StepOutcome>>();
  const program: Program = { job, input, ask, outcomes };
  for (const step of job.steps) outcomes.set(step.id, runStep(program, step));
  const settled = await Promise.all(outcomes.values());
  return conclude(job, input, settled);
}

function conclude(
  job: JobContext,
  input: RecordInput,
  outcomes: readonly StepOutcome[],
): RecordOutcome {
  const paid = outcomes.flatMap((outcome) => outcome.paid);
  const failedAt = outcomes.findIndex((outcome) => outcome.kind === 'failed');
  const failed = outcomes[failedAt];
  const step = job.steps[failedAt];
  if (failed?.kind === 'failed' && step !== undefined) {
    return { kind: 'failed', input, paid, step: step.id, failure: failed.failure };
  }
  if (outcomes.some((outcome) => outcome.kind === 'not-started')) {
    return { kind: 'not-started', input, paid };
  }
  const steps = outcomes.flatMap((outcome) => (outcome.kind === 'text' ? [outcome.text] : []));
  return { kind: 'accepted', input, paid, steps };
}

/** A step starts when its own inputs are ready, whatever the other steps do. */
async function runStep(program: Program, step: Step): Promise<StepOutcome> {
  const { job, outcomes } = program;
  const outputs: Record<string, string> = {};
  for (const id of job.needsOf(step.id)) {
    const outcome = await outcomes.get(id);
    if (outcome?.kind === 'text') outputs[id] = outcome.text.text;
    // The step that failed speaks for the record; what depends on it is not reached.
    else if (outcome?.kind !== 'skipped') return { kind: 'not-started', paid: [] };
  }
  const rendered = await render(program, step, outputs);
  if (rendered.kind === 'skipped') return { kind: 'skipped', paid: [] };
  if (rendered.kind === 'failed') return { ...rendered, paid: [] };
  return await answerStep(program, step, rendered);
}

function render(
  { job, input }: Program,
  step: Step,
  outputs: Readonly<Record<string, string>>,
): Promise<RenderOutcome> {
  return job.prompts.render({
    templateSha256: job.stored.sha256,
    template: job.stored.template,
    step: step.id,
    row: input.row,
    outputs,
    jobSeed: job.spec.jobSeed,
    recordIndex: input.index,
    undefinedMode: job.spec.undefinedMode,
  });
}

async function answerStep(
  { job, input, ask }: Program,
  step: Step,
  rendered: Extract<RenderOutcome, { kind: 'rendered' }>,
): Promise<StepOutcome> {
  const price = job.priceOf(step.id);
  const tooLarge = promptTooLarge(price, step, rendered);
  if (tooLarge !== null) return { kind: 'failed', failure: tooLarge, paid: [] };
  const paid: Paid[] = [];
  for (let number = 0; ; number += 1) {
    const asked = await ask({
      record: input.index,
      step,
      try: number,
      price,
      prompt: rendered.prompt,
      system: rendered.system,
    });
    if (asked.kind !== 'answered') return { ...asked, paid };
    paid.push(asked.paid);
    const { entry } = asked.paid;
    const judged = judgeAnswer(entry);
    if (judged === null) {
      return { kind: 'text', text: { step: step.id, text: entry.text, model: entry.model }, paid };
    }
    if (reactionTo(judged.kind) !== 'try-again' || number + 1 >= triesMax) {
      return { kind: 'failed', failure: judged, paid };
    }
  }
}

/** Refused here, because the provider would answer with an error or with an empty window for the answer. */
function promptTooLarge(
  price: ModelPrice,
  step: Step,
  rendered: { readonly prompt: string; readonly system: string | null },
): Failure | null {
  if (price.contextTokensMax === null) return null;
  // Four bytes to a token is the usual reading of English; the exact count is the provider's to refuse.
  const tokensLikely = Math.floor(inputTokensBound(rendered.system, rendered.prompt) / 4);
  if (tokensLikely + step.maxTokens <= price.contextTokensMax) return null;
  return failure(
    'prompt-too-large',
    `step '${step.id}' renders about ${tokensLikely} tokens and allows ${step.maxTokens} in answer; ${price.model} takes ${price.contextTokensMax} together: shorten the prompt (truncate_tokens) or lower max_tokens`,
  );
}

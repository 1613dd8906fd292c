/** The answers that earlier attempts at a batch left in the journal, ready to be asked for. */
import { createHash } from 'node:crypto';
import type { PicoUsd } from '#domain/money.ts';
import { holdId } from '#domain/account.ts';
import { acceptedSampling, inputTokensBound, worstCaseCost } from '#domain/pricing.ts';
import type { JournalAttempt } from '#store/contract.ts';
import type { Paid, Question } from './record-program.ts';

export interface EarlierAnswers {
  /** The earliest durable answer to exactly this question, or null. */
  find(question: Question, promptSha256: string): Paid | null;
  readonly answers: number;
  readonly corrupt: number;
}

export function indexAnswers(
  jobId: string,
  batch: string,
  attempts: readonly JournalAttempt[],
): EarlierAnswers {
  const byQuestion = new Map<string, Paid[]>();
  let answers = 0;
  let corrupt = 0;
  for (const { ordinal, entries } of attempts) {
    const hold = holdId(jobId, batch, ordinal);
    for (const entry of entries) {
      if (entry === 'corrupt') {
        corrupt += 1;
        continue;
      }
      answers += 1;
      const key = questionKey(entry.record, entry.step, entry.try);
      const found = byQuestion.get(key) ?? [];
      found.push({ hold, entry });
      byQuestion.set(key, found);
    }
  }
  return {
    find(question, promptSha256) {
      const key = questionKey(question.record, question.step.id, question.try);
      const found = byQuestion.get(key) ?? [];
      return found.find(({ entry }) => entry.promptSha256 === promptSha256) ?? null;
    },
    answers,
    corrupt,
  };
}

function questionKey(record: number, step: string, tryNumber: number): string {
  return `${record}/${tryNumber}/${step}`;
}

/** Digest of all that decides an answer: the model, its parameters and the rendered texts. */
export function promptSha256(question: Question): string {
  const { step, price, system, prompt } = question;
  const { temperature, topP } = acceptedSampling(price, step);
  const text = JSON.stringify([
    price.model,
    step.maxTokens,
    temperature,
    topP,
    step.stop,
    system,
    prompt,
  ]);
  return createHash('sha256').update(text).digest('hex');
}

/** The most that one answer to this question can cost. */
export function worstOf(question: Question): PicoUsd {
  const { price, step, system, prompt } = question;
  const inputTokens = inputTokensBound(system, prompt);
  return worstCaseCost(price, { inputTokens, outputTokens: step.maxTokens });
}

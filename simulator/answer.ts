import type { AnswerFault } from './knobs.ts';
import type { ModelCall, Wanted } from './model-call.ts';
import type { ServedModel } from './models.ts';
import type { Random } from './random.ts';
import { randomFrom } from './random.ts';
import { valueFor } from './schema-json.ts';
import { textAbout } from './text.ts';
import { firstTokens, tokensOf, tokensOfBytes } from './tokens.ts';

export type AnswerContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool'; readonly id: string; readonly name: string; readonly input: unknown };

export interface SimulatedAnswer {
  readonly content: AnswerContent;
  readonly stopReason: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What the model answers: a function of the call alone, so the same call always gets the same answer. */
export function answerOf(call: ModelCall, model: ServedModel): SimulatedAnswer {
  const random = randomFrom(identityOf(call));
  const maxTokens = call.maxTokens ?? model.maxTokensMax;
  const made =
    call.wanted.kind === 'tool'
      ? toolAnswer(call.wanted, call.prompt, random, maxTokens)
      : textAnswer(call, random, maxTokens);
  return { ...made, inputTokens: inputTokensOf(call) };
}

/** Tokens of everything that is sent: texts and tool definitions, never more than their bytes. */
export function inputTokensOf(call: ModelCall): number {
  return Math.max(1, tokensOfBytes(inputBytesOf(call)));
}

/** The answer as a misbehaving model gives it. All of these are billed as they are reported. */
export function withFault(
  answer: SimulatedAnswer,
  fault: AnswerFault,
  maxTokens: number,
): SimulatedAnswer {
  switch (fault) {
    case 'emptyAnswer':
      return { ...answer, content: textContent(''), stopReason: 'end_turn', outputTokens: 1 };
    case 'maxTokens':
      return { ...halved(answer), stopReason: 'max_tokens', outputTokens: maxTokens };
    case 'contentFiltered':
      return { ...halved(answer), stopReason: 'content_filtered' };
    case 'malformedModelOutput':
      return { ...halved(answer), stopReason: 'malformed_model_output' };
    case 'contextExceeded':
      return { ...halved(answer), stopReason: 'model_context_window_exceeded' };
    case 'invalidJson':
      return {
        ...answer,
        content: textContent('Here is the JSON you asked for: {"answer": [1, 2,'),
      };
    case 'usageAboveBound':
      // Above the bytes of any prompt that fits a request's worst case, and above its maxTokens.
      return {
        ...answer,
        inputTokens: answer.inputTokens * 40 + 10_000,
        outputTokens: maxTokens * 3 + 1_000,
      };
  }
}

function identityOf(call: ModelCall): string {
  return JSON.stringify([
    call.model,
    call.system,
    call.conversation,
    call.maxTokens,
    call.temperature,
    call.topP,
    call.stop,
    call.wanted,
  ]);
}

function inputBytesOf(call: ModelCall): number {
  return (
    Buffer.byteLength(call.system) + Buffer.byteLength(call.conversation) + call.definitionBytes
  );
}

type Made = Omit<SimulatedAnswer, 'inputTokens'>;

function textAnswer(call: ModelCall, random: Random, maxTokens: number): Made {
  const whole =
    call.wanted.kind === 'json'
      ? JSON.stringify(valueFor(call.wanted.schema, call.prompt, random))
      : textAbout(call.prompt, random);
  const stopped = untilStop(whole, call.stop);
  const text = firstTokens(stopped, maxTokens);
  const isCut = text.length < stopped.length;
  const ending = stopped.length < whole.length ? 'stop_sequence' : 'end_turn';
  return {
    content: textContent(text),
    stopReason: isCut ? 'max_tokens' : ending,
    outputTokens: isCut ? maxTokens : Math.max(1, tokensOf(text)),
  };
}

function toolAnswer(
  { name, schema }: Wanted & { kind: 'tool' },
  prompt: string,
  random: Random,
  maxTokens: number,
): Made {
  const input = valueFor(schema, prompt, random);
  const tokens = tokensOf(JSON.stringify(input));
  const number = Math.floor(random() * 36 ** 8);
  const id = `tooluse_${number.toString(36).padStart(8, '0')}`;
  if (tokens > maxTokens) {
    // A cut tool call has no whole JSON to hand over.
    const content = { kind: 'tool', id, name, input: {} } as const;
    return { content, stopReason: 'max_tokens', outputTokens: maxTokens };
  }
  const content = { kind: 'tool', id, name, input } as const;
  return { content, stopReason: 'tool_use', outputTokens: tokens };
}

function untilStop(text: string, stop: readonly string[]): string {
  const ends = stop.map((sequence) => text.indexOf(sequence)).filter((at) => at !== -1);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

function halved(answer: SimulatedAnswer): SimulatedAnswer {
  if (answer.content.kind === 'tool') return { ...answer, content: textContent('') };
  const { text } = answer.content;
  return { ...answer, content: textContent(firstTokens(text, Math.ceil(tokensOf(text) / 2))) };
}

function textContent(text: string): AnswerContent {
  return { kind: 'text', text };
}

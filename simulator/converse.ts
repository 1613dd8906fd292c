import type { AnswerContent, SimulatedAnswer } from './answer.ts';

/** An answer as bytes on the wire. */
export interface Encoded {
  readonly headers: Readonly<Record<string, string>>;
  /** A text goes out in one write with its headers; bytes need two. */
  readonly body: Uint8Array | string;
}

export type Encode = (answer: SimulatedAnswer, latencyMs: number) => Encoded;

export function encodeConverse(answer: SimulatedAnswer, latencyMs: number): Encoded {
  const body = {
    output: { message: { role: 'assistant', content: [contentBlock(answer.content)] } },
    stopReason: answer.stopReason,
    usage: usageOf(answer),
    metrics: { latencyMs },
  };
  return { headers: jsonHeaders, body: JSON.stringify(body) };
}

export const jsonHeaders = { 'content-type': 'application/json' } as const;

export function contentBlock(content: AnswerContent) {
  if (content.kind === 'text') return { text: content.text };
  return { toolUse: { toolUseId: content.id, name: content.name, input: content.input } };
}

/** Nothing is ever cached here, so net and gross counting of input tokens agree. */
export function usageOf({ inputTokens, outputTokens }: SimulatedAnswer) {
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
  };
}

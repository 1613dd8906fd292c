import type { PicoUsd } from './money.ts';

/** Tokens as the provider reported them for one answer. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

export interface ModelPrice {
  readonly model: string;
  /** Integer micro-dollars per million tokens, which is pUSD per token. */
  readonly input: PicoUsd;
  readonly output: PicoUsd;
}

/** A model provider with its own bill: the judge of the money. */
import type { CallOutcome, ModelRequest } from '#bedrock/contract.ts';
import { type FailureKind, failure } from '#domain/failure.ts';
import { larger, type PicoUsd, subtract, zero } from '#domain/money.ts';
import { mix } from '#domain/prng.ts';
import {
  exactCost,
  inputTokensBound,
  priceOf,
  type Usage,
  worstCaseCost,
} from '#domain/pricing.ts';
import { chanceOf } from './chance.ts';
import type { Conditions } from './conditions.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Bill {
  readonly hold: string;
  readonly call: string;
  readonly requestId: string;
  readonly cost: PicoUsd;
  /** What was billed above the most that the call could cost. */
  readonly excess: PicoUsd;
  /** The answer was lost on its way; otherwise it was handed to whoever still listened. */
  readonly isLost: boolean;
}

export interface Provider {
  /** What arrives of a request that was signed then; never settles where nothing ever comes back. */
  send(request: ModelRequest, signedAtMs: number): Promise<CallOutcome>;
  /** Answers whose use by the job depends on chance. */
  readonly flakyAnswers: () => number;
}

/** Older signatures are refused, as AWS does. */
const signatureMsMax = 5 * 60_000;
/** A caller is long gone when a hanging call is billed; evidence is final after 20 minutes. */
const lateBillMsMax = 8 * 60_000;

export function createProvider(
  time: VirtualTime,
  { seed, provider: its, calmAtMs }: Conditions,
  onBill: (bill: Bill) => void,
): Provider {
  const chance = chanceOf(seed, 'provider');
  const startMs = time.nowMs();
  let flakyAnswers = 0;
  let requests = 0;

  async function send(request: ModelRequest, signedAtMs: number): Promise<CallOutcome> {
    const ageMs = time.nowMs() - signedAtMs;
    await time.sleep(chance.between(5, 60));
    if (ageMs > signatureMsMax) return notBilled('access-denied');
    const elapsedMs = time.nowMs() - startMs;
    const isCalm = elapsedMs >= calmAtMs;
    const outage = its.outages.find(({ fromMs, toMs }) => fromMs <= elapsedMs && elapsedMs < toMs);
    if (outage !== undefined && !isCalm && outage.kind !== 'lost') {
      return notBilled(outage.kind, chance.hits(0.3) ? chance.between(100, 5_000) : null);
    }
    const rate = (probability: number) => !isCalm && chance.hits(probability);
    if (rate(outage === undefined ? its.lostUnbilled : 0.5)) return await lost('no-answer');
    if (rate(its.hang)) return await hang(request);
    await time.sleep(latencyMs(rate));
    const isLost = rate(outage === undefined ? its.lostBilled : 1);
    const answer = answerTo(request, rate);
    bill(request, answer.requestId, answer.usage, isLost);
    if (isLost) return await lost('provider-error');
    return { kind: 'answered', answer };
  }

  function nextRequestId(): string {
    requests += 1;
    return `r${requests}`;
  }

  function latencyMs(rate: (probability: number) => boolean): number {
    return rate(its.longLatency) ? chance.between(5_000, 60_000) : chance.between(100, 2_000);
  }

  async function hang(request: ModelRequest): Promise<CallOutcome> {
    if (chance.hits(0.6)) {
      const usage = usageOf(request, request.maxTokens);
      time.after(chance.between(1_000, lateBillMsMax), () =>
        bill(request, nextRequestId(), usage, true),
      );
    }
    return new Promise(() => undefined);
  }

  async function lost(kind: 'no-answer' | 'provider-error'): Promise<CallOutcome> {
    await time.sleep(chance.between(50, 10_000));
    return { kind: 'unknown', failure: failure(kind, 'simulated loss') };
  }

  function bill(request: ModelRequest, requestId: string, usage: Usage, isLost: boolean): void {
    const price = priceFor(request);
    const cost = exactCost(price, usage);
    const inputTokens = inputTokensBound(request.system, request.prompt);
    const worst = worstCaseCost(price, { inputTokens, outputTokens: request.maxTokens });
    const excess = larger(subtract(cost, worst), zero);
    onBill({ hold: request.hold, call: request.call, requestId, cost, excess, isLost });
  }

  function answerTo(request: ModelRequest, rate: (probability: number) => boolean) {
    const lot = lotOf(request.prompt);
    let stopReason = stopReasons[lot % 40] ?? 'end_turn';
    if (stopReason === 'end_turn' && rate(its.flaky)) {
      stopReason = chance.pick([
        'empty',
        'malformed_model_output',
        'max_tokens',
        'content_filtered',
      ]);
      flakyAnswers += 1;
    }
    const isWhole = stopReason === 'end_turn';
    const tokens = stopReason === 'max_tokens' ? request.maxTokens : 1 + (lot % request.maxTokens);
    const beyond = rate(its.breach) ? request.maxTokens + 4 * request.prompt.length + 1_024 : 0;
    return {
      text: isWhole ? `text ${lot} to ${request.prompt.slice(0, 24)}` : '',
      stopReason: stopReason === 'empty' ? 'end_turn' : stopReason,
      usage: usageOf(request, tokens + beyond),
      latencyMs: 1,
      requestId: nextRequestId(),
    };
  }

  return { send, flakyAnswers: () => flakyAnswers };
}

/** What some prompts are always answered with, whoever asks and how often. */
const stopReasons: Readonly<Record<number, string>> = {
  0: 'empty',
  1: 'max_tokens',
  2: 'content_filtered',
};

function lotOf(text: string): number {
  return mix(7, ...Array.from(text, (char) => char.charCodeAt(0)));
}

function usageOf(request: ModelRequest, outputTokens: number): Usage {
  const inputTokens = 12 + Math.ceil(request.prompt.length / 4);
  return { inputTokens, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0 };
}

function priceFor({ model }: ModelRequest) {
  const price = priceOf(model);
  if (price === null) throw new Error(`a call to ${model}, which has no price, was sent`);
  return price;
}

function notBilled(kind: FailureKind, retryAfterMs: number | null = null): CallOutcome {
  return { kind: 'not-billed', failure: failure(kind, 'simulated refusal'), retryAfterMs };
}

import type {
  BedrockRuntimeClient,
  ConverseCommandInput,
  ConverseCommandOutput,
} from '@aws-sdk/client-bedrock-runtime';
import { ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { failure } from '#domain/failure.ts';
import type { ModelPrice, Usage } from '#domain/pricing.ts';
import { acceptedSampling, isPricedIn, modelsNear, priceOf } from '#domain/pricing.ts';
import { classify, classifyUnsent } from './classify.ts';
import type { CallControls, CallOutcome, Model, ModelRequest } from './contract.ts';
import type { BedrockClientOptions, SentCalls } from './client.ts';
import { createClient } from './client.ts';

export interface BedrockModelOptions extends BedrockClientOptions {
  /** Everything from the credentials to the last byte of the answer. */
  readonly callTimeoutMs: number;
}

/**
 * Models on Amazon Bedrock, by the Converse operation, without streaming. One request per call and no
 * retry below it. Calls never reject, except for a hold or call id that cannot travel, which is a bug.
 */
export function createBedrockModel(options: BedrockModelOptions): Model {
  const { client, sent } = createClient(options);
  return {
    isSigned: options.bearerToken === undefined,
    call: async (request, controls) => {
      const price = priceOf(request.model);
      if (price === null || !isPricedIn(price, options.region)) {
        return unpriced(request.model, options.region);
      }
      const input = converseInput(request, price);
      return converse({ client, sent, input, controls, callTimeoutMs: options.callTimeoutMs });
    },
    close: async () => client.destroy(),
  };
}

/** The last of several fences: what has no price here was refused long before. */
function unpriced(model: string, region: string): CallOutcome {
  const near = modelsNear(model).join(', ') || 'none';
  const message = `The price of "${model}" in ${region} is not known, so its cost could not be limited. Nothing was sent. Closest known: ${near}.`;
  return { kind: 'not-billed', failure: failure('model-not-found', message), retryAfterMs: null };
}

interface Conversation {
  readonly client: BedrockRuntimeClient;
  readonly sent: SentCalls;
  readonly input: ConverseCommandInput;
  readonly controls: CallControls;
  readonly callTimeoutMs: number;
}

async function converse(its: Conversation): Promise<CallOutcome> {
  const { signal, beforeSend } = its.controls;
  const abort = new AbortController();
  const onAbort = () => abort.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const deadline = setTimeout(
    () => abort.abort(deadlinePassed(its.callTimeoutMs)),
    its.callTimeoutMs,
  );
  const call = { beforeSend, signal: abort.signal, isSent: false };
  its.sent.set(its.input, call);
  const startMs = performance.now();
  try {
    const output = await its.client.send(new ConverseCommand(its.input));
    return readAnswer(output, performance.now() - startMs);
  } catch (error) {
    return call.isSent ? lost(error, abort.signal) : classifyUnsent(error);
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', onAbort);
  }
}

function deadlinePassed(ms: number): Error {
  return Object.assign(new Error(`no complete answer within ${ms} ms`), { name: 'TimeoutError' });
}

function lost(error: unknown, { aborted, reason }: AbortSignal): CallOutcome {
  const outcome = classify(error);
  if (outcome.kind !== 'unknown' || !aborted || !(reason instanceof Error)) return outcome;
  // Aborting surfaces as whatever the socket said; why we aborted is what a reader wants.
  return { kind: 'unknown', failure: failure('no-answer', `${reason.name}: ${reason.message}`) };
}

function converseInput(request: ModelRequest, price: ModelPrice): ConverseCommandInput {
  const { temperature, topP } = acceptedSampling(price, request);
  const system = request.system?.trim() ? request.system : null;
  return {
    modelId: request.model,
    // The service refuses a blank system text; a template that renders none means none.
    ...(system === null ? {} : { system: [{ text: system }] }),
    messages: [{ role: 'user', content: [{ text: request.prompt }] }],
    inferenceConfig: {
      maxTokens: request.maxTokens,
      ...(temperature === null ? {} : { temperature }),
      ...(topP === null ? {} : { topP }),
      ...(request.stop.length === 0 ? {} : { stopSequences: [...request.stop] }),
    },
    requestMetadata: { pp_hold: metadataValue(request.hold), pp_call: metadataValue(request.call) },
  };
}

/** What Converse allows in a value of `requestMetadata`. */
const metadataPattern = /^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$/;

function metadataValue(value: string): string {
  if (!metadataPattern.test(value)) {
    throw new Error(
      `request metadata "${value.slice(0, 64)}" cannot be sent; allowed are 1 to 256 of a-z A-Z 0-9 space : _ @ $ # = / + , . -`,
    );
  }
  return value;
}

/** The answer with its usage; without a usage that can be charged, what it cost is unknown. */
function readAnswer(output: ConverseCommandOutput, roundTripMs: number): CallOutcome {
  const usage = readUsage(output.usage);
  if (usage === null) {
    const seen = JSON.stringify(output.usage) ?? 'none';
    const message = `The answer reports no usage that can be charged (${seen.slice(0, 200)}).`;
    return { kind: 'unknown', failure: failure('no-answer', message) };
  }
  const answer = {
    text: textOf(output),
    stopReason: output.stopReason ?? 'none',
    usage,
    latencyMs: output.metrics?.latencyMs ?? Math.round(roundTripMs),
    requestId: output.$metadata.requestId ?? '',
  };
  return { kind: 'answered', answer };
}

/** The text blocks in order. Reasoning and tool blocks are no part of the answer's text. */
function textOf(output: ConverseCommandOutput): string {
  const blocks = output.output?.message?.content ?? [];
  return blocks.map((block) => (typeof block.text === 'string' ? block.text : '')).join('');
}

function readUsage(reported: ConverseCommandOutput['usage']): Usage | null {
  const inputTokens = countOf(reported?.inputTokens);
  const outputTokens = countOf(reported?.outputTokens);
  const cacheReadTokens = countOf(reported?.cacheReadInputTokens ?? 0);
  const cacheWriteTokens = countOf(reported?.cacheWriteInputTokens ?? 0);
  if (inputTokens === null || outputTokens === null) return null;
  if (cacheReadTokens === null || cacheWriteTokens === null) return null;
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens };
}

/** The number if it counts tokens: whole and not negative. What is on the wire may be anything. */
function countOf(reported: unknown): number | null {
  return typeof reported === 'number' && Number.isSafeInteger(reported) && reported >= 0
    ? reported
    : null;
}

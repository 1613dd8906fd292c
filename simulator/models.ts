import type { ModelPrice } from '#domain/pricing.ts';
import { priceOf, priceTable } from '#domain/pricing.ts';
import type { ModelCall } from './model-call.ts';
import { modelRefusal, validationError } from './wire-error.ts';

/** What a model family accepts, as the service's own refusals show it. */
export interface Family {
  readonly name: string;
  readonly matches: RegExp;
  readonly sampling: 'any' | 'temperature-or-top-p' | 'none';
  readonly textFormat: boolean;
  readonly strictTool: boolean;
  readonly countTokens: boolean;
  /** What one output token takes from the tokens-per-minute quota when a call settles. */
  readonly burndown: number;
}

export interface ServedModel {
  readonly id: string;
  readonly family: Family;
  readonly price: ModelPrice;
  readonly maxTokensMax: number;
}

/** Where the table does not say how much a model may write: it exists so that a limit is met. */
const maxTokensMaxDefault = 32_768;

/** The model an id, profile id or ARN stands for; throws the service's refusal when there is none. */
export function findModel(id: string): ServedModel {
  const short = shortId(id);
  const price = priceOf(short);
  if (price !== null) {
    const maxTokensMax = price.outputTokensMax ?? maxTokensMaxDefault;
    return { id: short, family: familyOf(short), price, maxTokensMax };
  }
  if (bareIds.has(short)) {
    throw validationError(
      `Invocation of model ID ${short} with on-demand throughput isn’t supported. Retry your request ` +
        'with the ID or ARN of an inference profile that contains this model.',
    );
  }
  throw validationError('The provided model identifier is invalid.');
}

/** Whether any profile or id of the price table is of this foundation model. */
export function isFoundationModel(id: string): boolean {
  return bareIds.has(id);
}

/** An ARN's last part, or the id itself. */
export function shortId(id: string): string {
  return id.startsWith('arn:') ? id.slice(id.lastIndexOf('/') + 1) : id;
}

/** The foundation model behind a profile id: `us.amazon.nova-lite-v1:0` is `amazon.nova-lite-v1:0`. */
export function bareId(id: string): string {
  const prefix = profilePrefixes.find((candidate) => id.startsWith(candidate));
  return prefix === undefined ? id : id.slice(prefix.length);
}

export function familyOf(id: string): Family {
  const bare = bareId(id);
  return families.find((family) => family.matches.test(bare)) ?? otherFamily;
}

/** Throws what the service answers to parameters that this model does not take. */
export function refuseUnsupported(call: ModelCall, { family, maxTokensMax }: ServedModel): void {
  refuseSampling(call, family);
  if (call.hasTextFormat && !family.textFormat) {
    throw modelRefusal('output_config.format: Extra inputs are not permitted');
  }
  if (call.hasStrictTool && !family.strictTool) {
    throw modelRefusal('tools.0.custom.strict: Extra inputs are not permitted');
  }
  if (call.maxTokens !== null && call.maxTokens > maxTokensMax) {
    throw validationError(
      `The maximum tokens you requested exceed the model limit of ${maxTokensMax}. ` +
        `Try again with a maximum tokens value lower than ${maxTokensMax}.`,
    );
  }
}

function refuseSampling(call: ModelCall, family: Family): void {
  if (family.sampling === 'any') return;
  if (family.sampling === 'temperature-or-top-p') {
    if (call.temperature === null || call.topP === null) return;
    throw modelRefusal(
      '`temperature` and `top_p` cannot both be specified for this model. Please use only one.',
    );
  }
  const refused = [
    call.temperature === null ? null : 'temperature',
    call.topP === null ? null : 'top_p',
    call.hasTopK ? 'top_k' : null,
  ].find((name) => name !== null);
  if (refused !== undefined) throw modelRefusal(`${refused} is deprecated for this model.`);
}

const profilePrefixes = ['global.', 'us-gov.', 'us.', 'eu.', 'apac.', 'jp.', 'au.', 'ca.'] as const;

const bareIds = new Set(priceTable.map((price) => bareId(price.model)));

const claude = {
  sampling: 'none',
  textFormat: false,
  strictTool: true,
  countTokens: true,
} as const;
const plain = { sampling: 'any', strictTool: false, countTokens: false, burndown: 1 } as const;

/** First match wins. */
const families: readonly Family[] = [
  {
    ...claude,
    name: 'claude-4',
    matches: /^anthropic\.claude-(haiku-4-5|sonnet-4-[56]|opus-4-[56])/,
    sampling: 'temperature-or-top-p',
    textFormat: true,
    burndown: 5,
  },
  {
    ...claude,
    name: 'claude-4.7',
    matches: /^anthropic\.claude-opus-4-7/,
    burndown: 5,
  },
  {
    ...claude,
    name: 'claude-4.8',
    matches: /^anthropic\.claude-opus-4-8/,
    burndown: 15,
  },
  {
    ...claude,
    name: 'claude-5-no-strict',
    matches: /^anthropic\.claude-(opus-5-5|fable-5-1)/,
    strictTool: false,
    burndown: 10,
  },
  {
    ...claude,
    name: 'claude-5',
    matches: /^anthropic\.claude-[a-z]+-5/,
    burndown: 10,
  },
  {
    ...plain,
    name: 'nova',
    matches: /^amazon\.nova-(micro|lite|pro|premier)/,
    textFormat: false,
  },
  {
    ...plain,
    name: 'nova-2',
    matches: /^amazon\.nova-2/,
    textFormat: false,
  },
  { ...plain, name: 'llama', matches: /^meta\./, textFormat: false },
];

const otherFamily: Family = {
  ...plain,
  name: 'other',
  matches: /./,
  textFormat: true,
  strictTool: true,
};

import type { PicoUsd } from './money.ts';
import { add, larger, pico } from './money.ts';
import { priceTable } from './price-table.ts';
import type { Step, Tier } from './template.ts';

export { priceTable, priceTableVersion } from './price-table.ts';

/** Tokens as the provider reported them for one answer. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

/** What one model costs, and what its requests may carry. Prices are pUSD per token. */
export interface ModelPrice {
  /** The id or inference profile that a request names: `us.` and `global.` have their own rows. */
  readonly model: string;
  /** Integer micro-dollars per million tokens, which is pUSD per token. */
  readonly input: PicoUsd;
  readonly output: PicoUsd;
  readonly cacheRead: PicoUsd;
  readonly cacheWrite: PicoUsd;
  /** Whether reported `inputTokens` leave out the cached tokens (net) or count them in (gross). */
  readonly inputTokensInclude: 'net' | 'gross';
  /** Which of temperature and topP a request may carry; some models refuse both. */
  readonly samplingParameters: 'both' | 'one-of' | 'none';
  /** Null where it is not known. */
  readonly contextTokensMax: number | null;
  readonly outputTokensMax: number | null;
  /**
   * Source regions in which this price was read, as names or as prefixes that end with a hyphen; null
   * where the price is the same everywhere.
   */
  readonly regions: readonly string[] | null;
  /** Where the price was read. */
  readonly source: string;
}

/** The model of each tier, for steps that name none. */
export const tierModels: Readonly<Record<Tier, string>> = {
  cheap: 'amazon.nova-lite-v1:0',
  balanced: 'us.amazon.nova-2-lite-v1:0',
  premium: 'us.anthropic.claude-sonnet-5',
};

/** The model that a step calls: the one it names, or the one of its tier. */
export function modelOf(step: Pick<Step, 'model' | 'tier'>): string {
  return step.model ?? tierModels[step.tier];
}

const prices = new Map(priceTable.map((price) => [price.model, price]));

/** The price of exactly this model id, or null: a model without a price is refused before any call. */
export function priceOf(model: string): ModelPrice | null {
  return prices.get(model) ?? null;
}

/** Whether the price holds for requests sent to this region: the region that is called decides. */
export function isPricedIn(price: ModelPrice, region: string): boolean {
  if (price.regions === null) return true;
  return price.regions.some((its) => (its.endsWith('-') ? region.startsWith(its) : region === its));
}

/**
 * What an answer with this usage costs, in pUSD, exactly. Counts that are negative or not whole are
 * an assertion failure: the boundary that read them should have refused them.
 */
export function exactCost(price: ModelPrice, usage: Usage): PicoUsd {
  const read = tokens(usage.cacheReadTokens);
  const written = tokens(usage.cacheWriteTokens);
  return add(
    pico(uncachedTokens(price, usage) * price.input),
    pico(tokens(usage.outputTokens) * price.output),
    pico(read * price.cacheRead),
    pico(written * price.cacheWrite),
  );
}

function uncachedTokens(price: ModelPrice, usage: Usage): bigint {
  const input = tokens(usage.inputTokens);
  if (price.inputTokensInclude === 'net') return input;
  const cached = tokens(usage.cacheReadTokens) + tokens(usage.cacheWriteTokens);
  // A gross count below its own cached part contradicts itself: charged as net, the dearer reading.
  return cached > input ? input : input - cached;
}

/** The most that an answer may use: every token of the prompt, cached or not, and every one generated. */
export interface UsageBound {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * The most that a call within this bound can cost, in pUSD: each input token at the dearest price an
 * input token can have. Never below `exactCost` of a usage within the bound.
 */
export function worstCaseCost(price: ModelPrice, bound: UsageBound): PicoUsd {
  const dearest = larger(price.input, larger(price.cacheRead, price.cacheWrite));
  return add(
    pico(tokens(bound.inputTokens) * dearest),
    pico(tokens(bound.outputTokens) * price.output),
  );
}

function tokens(count: number): bigint {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new Error(`token count is ${count}; it must be a whole number from 0 on`);
  }
  return BigInt(count);
}

/**
 * Tokens that a provider adds around our texts: role markers, separators and the preamble of a chat
 * template. The longest published one (gpt-oss: a system message with date and channels) is under
 * 100 tokens; the rest is margin.
 */
export const inputTokensOverhead = 256;

/**
 * The most input tokens that a call with these texts can have: their bytes in UTF-8, plus what the
 * provider adds. A byte-level tokenizer cannot make more tokens than bytes; one that normalises first
 * sees the normalised text, so the longest form counts.
 */
export function inputTokensBound(system: string | null, prompt: string): number {
  return textBytesMax(system ?? '') + textBytesMax(prompt) + inputTokensOverhead;
}

function textBytesMax(text: string): number {
  const bytes = utf8Bytes(text);
  // Plain ASCII has one byte per character and is its own normal form.
  if (bytes === text.length) return bytes;
  return Math.max(bytes, utf8Bytes(text.normalize('NFC')), utf8Bytes(text.normalize('NFKC')));
}

/** Length in UTF-8, counted by hand because this file also runs where Node's Buffer does not exist. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    // A surrogate pair is 4 bytes from 2 units; a lone surrogate is sent as U+FFFD, 3 bytes, so
    // counting 2 more for every surrogate never counts too little.
    bytes += unit < 0x8_00 ? 1 : 2;
    if (isPairAt(text, at)) at += 1;
  }
  return bytes;
}

function isPairAt(text: string, at: number): boolean {
  const high = text.charCodeAt(at);
  const low = text.charCodeAt(at + 1);
  return high >= 0xd8_00 && high < 0xdc_00 && low >= 0xdc_00 && low < 0xe0_00;
}

export interface Sampling {
  readonly temperature: number | null;
  readonly topP: number | null;
}

/** The sampling parameters that the model accepts, of those asked for; temperature wins over topP. */
export function acceptedSampling(price: ModelPrice, asked: Sampling): Sampling {
  switch (price.samplingParameters) {
    case 'both':
      return { temperature: asked.temperature, topP: asked.topP };
    case 'one-of':
      return {
        temperature: asked.temperature,
        topP: asked.temperature === null ? asked.topP : null,
      };
    case 'none':
      return { temperature: null, topP: null };
  }
}

const nearestMax = 3;
/** A model id is at most 2,048 characters (Converse); no known one is longer than 64. */
const comparedLengthMax = 128;
/** Shorter parts are in too many ids to mean one. */
const partLengthMin = 4;

/** Up to three known ids that look like this one, nearest first; none when nothing is alike. */
export function modelsNear(model: string): string[] {
  const asked = model.slice(0, comparedLengthMax);
  return priceTable
    .map((price) => ({ id: price.model, distance: distanceTo(price.model, asked) }))
    .filter(({ id, distance }) => distance <= id.length / 2)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, nearestMax)
    .map(({ id }) => id);
}

/** A part of an id stands for it ("claude-haiku-4-5"), however much of the id is missing. */
function distanceTo(id: string, asked: string): number {
  return asked.length >= partLengthMin && id.includes(asked) ? 0 : editDistance(asked, id);
}

/** Levenshtein: the fewest insertions, deletions and replacements that make one text the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

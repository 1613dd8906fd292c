/** What a request costs that is known only from the provider's log. */
import { larger, type PicoUsd } from './money.ts';
import { exactCost, type ModelPrice, priceOf, worstCaseCost } from './pricing.ts';

/** Tokens as a log counts them. */
export interface LoggedUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Null where the log does not tell which input tokens were read from or written to a cache. */
  readonly cache: { readonly readTokens: number; readonly writeTokens: number } | null;
}

/**
 * The cost in pUSD; null for a model whose price is not known. Without the cache's share each input token
 * is charged at the dearest price that an input token can have: evidence may cost the job a little too
 * much, but what was billed is never counted too low. `models` are those that the job calls.
 */
export function loggedCost(
  models: readonly string[],
  loggedModel: string,
  usage: LoggedUsage,
): PicoUsd | null {
  const costs = pricesOf(models, loggedModel).map((price) => costAt(price, usage));
  return costs.length === 0 ? null : costs.reduce(larger);
}

/** A log may name a model by its ARN, or name the model behind the inference profile that was asked for. */
function pricesOf(models: readonly string[], loggedModel: string): ModelPrice[] {
  const logged = loggedModel.slice(loggedModel.lastIndexOf('/') + 1);
  const asked = models.filter((model) => model === logged || model.endsWith(`.${logged}`));
  const known = asked.length === 0 ? [logged] : asked;
  return known.flatMap((model) => priceOf(model) ?? []);
}

function costAt(price: ModelPrice, { inputTokens, outputTokens, cache }: LoggedUsage): PicoUsd {
  if (cache === null) return worstCaseCost(price, { inputTokens, outputTokens });
  const { readTokens: cacheReadTokens, writeTokens: cacheWriteTokens } = cache;
  return exactCost(price, { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens });
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelPrice, Usage } from '#domain/pricing.ts';
import {
  acceptedSampling,
  exactCost,
  inputTokensBound,
  inputTokensOverhead,
  isPricedIn,
  modelOf,
  modelsNear,
  priceOf,
  priceTable,
  priceTableVersion,
  tierModels,
  worstCaseCost,
} from '#domain/pricing.ts';

const known = (model: string): ModelPrice => {
  const price = priceOf(model);
  if (price === null) throw new Error(`no price for ${model}`);
  return price;
};

const usage = (counts: Partial<Usage>): Usage => ({
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  ...counts,
});

const anyPrice = fc.constantFrom(...priceTable);
const count = fc.integer({ min: 0, max: 2_000_000 });
const anyUsage = fc.record({
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
});

describe('price table', () => {
  it('prices: are whole, positive, and one row per id', () => {
    for (const row of priceTable) {
      for (const rate of [row.input, row.output, row.cacheRead, row.cacheWrite]) {
        expect(rate, row.model).toBeGreaterThan(0n);
      }
      expect(row.source, row.model).not.toBe('');
    }
    expect(new Set(priceTable.map((row) => row.model)).size).toBe(priceTable.length);
    expect(priceTableVersion).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });

  it.each([
    // Dollars per million tokens, as published.
    { model: 'amazon.nova-micro-v1:0', input: 35_000n, output: 140_000n },
    { model: 'amazon.nova-lite-v1:0', input: 60_000n, output: 240_000n },
    { model: 'global.amazon.nova-2-lite-v1:0', input: 300_000n, output: 2_500_000n },
    { model: 'us.amazon.nova-2-lite-v1:0', input: 330_000n, output: 2_750_000n },
    {
      model: 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
      input: 1_000_000n,
      output: 5_000_000n,
    },
    { model: 'eu.anthropic.claude-haiku-4-5-20251001-v1:0', input: 1_100_000n, output: 5_500_000n },
    { model: 'us.anthropic.claude-sonnet-5', input: 2_200_000n, output: 11_000_000n },
    { model: 'openai.gpt-oss-20b-1:0', input: 70_000n, output: 300_000n },
  ])('$model: costs $input in and $output out per token', ({ model, input, output }) => {
    expect(known(model)).toMatchObject({ input, output });
  });

  it.each([
    { model: 'global.anthropic.claude-opus-5-5', cacheRead: 200_000n, cacheWrite: 5_000_000n },
    { model: 'us.anthropic.claude-opus-5-5', cacheRead: 220_000n, cacheWrite: 5_500_000n },
    { model: 'global.anthropic.claude-fable-5-1', cacheRead: 250_000n, cacheWrite: 12_500_000n },
    {
      model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      cacheRead: 110_000n,
      cacheWrite: 1_375_000n,
    },
    { model: 'amazon.nova-lite-v1:0', cacheRead: 30_000n, cacheWrite: 60_000n },
    { model: 'qwen.qwen3-32b-v1:0', cacheRead: 150_000n, cacheWrite: 150_000n },
  ])('$model: costs $cacheRead to read and $cacheWrite to write a cached token', (row) => {
    const { cacheRead, cacheWrite } = row;
    expect(known(row.model)).toMatchObject({ cacheRead, cacheWrite });
  });

  it('an unknown id: has no price, however near it is to a known one', () => {
    expect(priceOf('amazon.nova-lite-v1')).toBeNull();
    expect(priceOf('anthropic.claude-sonnet-5')).toBeNull();
    expect(priceOf('')).toBeNull();
  });

  it.each([
    { model: 'amazon.nova-lite-v1:0', region: 'us-east-1', isPriced: true },
    { model: 'amazon.nova-lite-v1:0', region: 'us-east-11', isPriced: false },
    { model: 'amazon.nova-lite-v1:0', region: 'eu-west-2', isPriced: false },
    { model: 'us.amazon.nova-lite-v1:0', region: 'us-east-2', isPriced: true },
    { model: 'us.amazon.nova-lite-v1:0', region: 'us-gov-west-1', isPriced: false },
    { model: 'eu.anthropic.claude-sonnet-5', region: 'eu-central-1', isPriced: true },
    { model: 'eu.anthropic.claude-sonnet-5', region: 'us-east-1', isPriced: false },
    { model: 'global.anthropic.claude-sonnet-5', region: 'sa-east-1', isPriced: true },
    { model: 'global.amazon.nova-2-lite-v1:0', region: 'eu-west-1', isPriced: false },
  ])('$model in $region: priced is $isPriced', ({ model, region, isPriced }) => {
    expect(isPricedIn(known(model), region)).toBe(isPriced);
  });
});

describe('exactCost', () => {
  it.each([
    { model: 'amazon.nova-lite-v1:0', counts: { inputTokens: 1_234 }, cost: 74_040_000n },
    { model: 'amazon.nova-micro-v1:0', counts: { inputTokens: 1_234 }, cost: 43_190_000n },
    { model: 'amazon.nova-lite-v1:0', counts: { inputTokens: 1, outputTokens: 1 }, cost: 300_000n },
    { model: 'amazon.nova-lite-v1:0', counts: {}, cost: 0n },
    // Net: 40 new tokens, 5,000 read from the cache.
    {
      model: 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
      counts: { inputTokens: 40, cacheReadTokens: 5_000, outputTokens: 100 },
      cost: 40n * 1_000_000n + 5_000n * 100_000n + 100n * 5_000_000n,
    },
    // Gross: the same call reports 5,040 and is not charged twice for the cached part.
    {
      model: 'openai.gpt-oss-20b-1:0',
      counts: { inputTokens: 5_040, cacheReadTokens: 5_000 },
      cost: 5_040n * 70_000n,
    },
    // Gross, but its cached part is larger than the whole: charged as net.
    {
      model: 'openai.gpt-oss-20b-1:0',
      counts: { inputTokens: 10, cacheReadTokens: 11 },
      cost: 21n * 70_000n,
    },
  ])('$model with $counts: is $cost pUSD', ({ model, counts, cost }) => {
    expect(exactCost(known(model), usage(counts))).toBe(cost);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'a count of %s: is a bug',
    (bad) => {
      for (const field of ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens']) {
        expect(() => exactCost(known('amazon.nova-lite-v1:0'), usage({ [field]: bad }))).toThrow(
          'token count',
        );
      }
      expect(() =>
        worstCaseCost(known('amazon.nova-lite-v1:0'), { inputTokens: bad, outputTokens: 1 }),
      ).toThrow('token count');
    },
  );

  it('splitting net usage in two: costs the same in sum, to the last pico-dollar', () => {
    fc.assert(
      fc.property(anyPrice, anyUsage, anyUsage, (price, a, b) => {
        fc.pre(price.inputTokensInclude === 'net');
        const both = usage({
          inputTokens: a.inputTokens + b.inputTokens,
          outputTokens: a.outputTokens + b.outputTokens,
          cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
          cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
        });
        expect(exactCost(price, both)).toBe(exactCost(price, a) + exactCost(price, b));
      }),
    );
  });
});

describe('worstCaseCost', () => {
  it('any usage within the bound: costs no more', () => {
    fc.assert(
      fc.property(anyPrice, anyUsage, (price, its) => {
        const prompt = its.inputTokens + its.cacheReadTokens + its.cacheWriteTokens;
        // A gross count holds the cached tokens already.
        const reported =
          price.inputTokensInclude === 'gross' ? { ...its, inputTokens: prompt } : its;
        const bound = { inputTokens: prompt, outputTokens: its.outputTokens };
        expect(exactCost(price, reported)).toBeLessThanOrEqual(worstCaseCost(price, bound));
      }),
    );
  });

  it('Claude: counts a prompt as if all of it were written to the cache', () => {
    const price = known('global.anthropic.claude-haiku-4-5-20251001-v1:0');
    expect(worstCaseCost(price, { inputTokens: 100, outputTokens: 10 })).toBe(
      125_000_000n + 50_000_000n,
    );
  });

  it('no tokens: cost nothing', () => {
    expect(worstCaseCost(known('amazon.nova-lite-v1:0'), { inputTokens: 0, outputTokens: 0 })).toBe(
      0n,
    );
  });
});

describe('inputTokensBound', () => {
  it.each([
    { system: null, prompt: '', bytes: 0 },
    { system: null, prompt: 'abc', bytes: 3 },
    { system: 'ab', prompt: 'abc', bytes: 5 },
    { system: null, prompt: 'é', bytes: 2 },
    { system: null, prompt: '日本', bytes: 6 },
    { system: null, prompt: '😀', bytes: 4 },
    { system: null, prompt: '\ud800', bytes: 3 },
    // One ligature of 3 bytes that a normalising tokenizer reads as 18 letters and spaces.
    { system: null, prompt: '\ufdfa', bytes: 33 },
    // A composition exclusion: 3 bytes that normalise to 6.
    { system: null, prompt: '\u0958', bytes: 6 },
  ])(
    '$prompt after $system: is at most $bytes tokens and the overhead',
    ({ system, prompt, bytes }) => {
      expect(inputTokensBound(system, prompt)).toBe(bytes + inputTokensOverhead);
    },
  );

  it('any text: is bounded by no less than its UTF-8 bytes, raw and normalised', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (prompt) => {
        const bound = inputTokensBound(null, prompt) - inputTokensOverhead;
        for (const form of [prompt, prompt.normalize('NFC'), prompt.normalize('NFKC')]) {
          expect(bound).toBeGreaterThanOrEqual(Buffer.byteLength(form));
        }
      }),
    );
  });
});

describe('modelOf', () => {
  it('a step that names a model: gets it, whatever its tier', () => {
    expect(modelOf({ model: 'qwen.qwen3-32b-v1:0', tier: 'premium' })).toBe('qwen.qwen3-32b-v1:0');
  });

  it('every tier: has a model with a price in us-east-1, dearer from tier to tier', () => {
    const models = (['cheap', 'balanced', 'premium'] as const).map((tier) =>
      modelOf({ model: null, tier }),
    );
    expect(models).toEqual(Object.values(tierModels));
    const costs = models.map((model) =>
      worstCaseCost(known(model), { inputTokens: 1_000, outputTokens: 500 }),
    );
    expect(costs.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(costs);
    expect(models.every((model) => isPricedIn(known(model), 'us-east-1'))).toBe(true);
  });
});

describe('modelsNear', () => {
  it.each([
    { asked: 'amazon.nova-lite-v2:0', first: 'amazon.nova-lite-v1:0' },
    { asked: 'amazon.nova-2-lite-v1:0', first: 'global.amazon.nova-2-lite-v1:0' },
    { asked: 'claude-haiku-4-5', first: 'global.anthropic.claude-haiku-4-5-20251001-v1:0' },
    { asked: 'meta.llama3-1-8b-instruct', first: 'meta.llama3-1-8b-instruct-v1:0' },
  ])('$asked: is nearest to $first', ({ asked, first }) => {
    const near = modelsNear(asked);
    expect(near[0]).toBe(first);
    expect(near.length).toBeLessThanOrEqual(3);
  });

  it.each(['', 'gpt', 'zzzzzzzzzzzzzzzz', 'x'.repeat(2_048)])('%s: is near to nothing', (asked) => {
    expect(modelsNear(asked)).toEqual([]);
  });
});

describe('acceptedSampling', () => {
  it.each([
    {
      model: 'amazon.nova-lite-v1:0',
      asked: { temperature: 0.5, topP: 0.9 },
      sent: { temperature: 0.5, topP: 0.9 },
    },
    {
      model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      asked: { temperature: 0, topP: 0.9 },
      sent: { temperature: 0, topP: null },
    },
    {
      model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      asked: { temperature: null, topP: 0.9 },
      sent: { temperature: null, topP: 0.9 },
    },
    {
      model: 'us.anthropic.claude-sonnet-5',
      asked: { temperature: 0.5, topP: 0.9 },
      sent: { temperature: null, topP: null },
    },
  ])('$model asked for $asked: is sent $sent', ({ model, asked, sent }) => {
    expect(acceptedSampling(known(model), asked)).toEqual(sent);
  });
});

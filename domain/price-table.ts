import { pico } from './money.ts';
import type { ModelPrice } from './pricing.ts';

/**
 * The day on which these prices were last checked. A job keeps the version it was estimated with, so
 * that a report of last month still adds up.
 */
export const priceTableVersion = '2026-11-20';

/** Where the price of an unprefixed id was read. Other regions may charge up to a third more. */
const inRegion = ['us-east-1', 'us-west-2'];

/** Source regions of a geographic profile, as prefixes of the region's name. */
const geoRegions = {
  us: ['us-east-', 'us-west-'],
  eu: ['eu-'],
  apac: ['ap-'],
  jp: ['ap-northeast-'],
  au: ['ap-southeast-'],
};

/**
 * On-demand prices, default service tier. Where sources differ, the higher price is kept. Sources:
 * - `offers`: AWS price files and model agreement offers, read 2026-09-26.
 * - `genai-prices`: @pydantic/genai-prices 0.1.8, 2026-09-23.
 * - `portkey`: Portkey-AI/models, 2026-08-21.
 * - `registries`: two public model registries that agree, 2026-09 to 2026-11.
 * Left out, because their cost could not be limited from this table: models with a surcharge for
 * long contexts (OpenAI GPT-5.x), models at the end of their life, and the `eu.` profiles of the first
 * Nova models, whose published prices contradict each other.
 */
export const priceTable: readonly ModelPrice[] = [
  ...nova(),
  ...nova2Lite(),
  ...claude(),
  ...llama(),
  ...mistral(),
  ...openWeight(),
];

type Geo = keyof typeof geoRegions;

type Row = Omit<ModelPrice, 'input' | 'output' | 'cacheRead' | 'cacheWrite'>;

interface Rates {
  /** Micro-dollars per million tokens. */
  readonly input: number;
  readonly output: number;
  /** Default: as dear as other input, for models that publish no price of their own for it. */
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

function price(row: Row, rates: Rates): ModelPrice {
  return {
    ...row,
    input: pico(BigInt(rates.input)),
    output: pico(BigInt(rates.output)),
    cacheRead: pico(BigInt(rates.cacheRead ?? rates.input)),
    cacheWrite: pico(BigInt(rates.cacheWrite ?? rates.input)),
  };
}

function nova(): ModelPrice[] {
  const row = (
    model: string,
    regions: readonly string[],
    context: number,
    source: string,
  ): Row => ({
    model,
    regions,
    inputTokensInclude: 'net',
    samplingParameters: 'both',
    contextTokensMax: context,
    outputTokensMax: 10_000,
    source,
  });
  // One source says that a cache read costs a quarter of an input token, another says half: half.
  const rates = (input: number, output: number): Rates => ({ input, output, cacheRead: input / 2 });
  const sizes = [
    {
      id: 'amazon.nova-micro-v1:0',
      context: 128_000,
      us: rates(35_000, 140_000),
      apac: rates(37_000, 148_000),
    },
    {
      id: 'amazon.nova-lite-v1:0',
      context: 300_000,
      us: rates(60_000, 240_000),
      apac: rates(63_000, 252_000),
    },
    {
      id: 'amazon.nova-pro-v1:0',
      context: 300_000,
      us: rates(800_000, 3_200_000),
      apac: rates(840_000, 3_360_000),
    },
  ];
  return [
    ...sizes.flatMap(({ id, context, us, apac }) => [
      price(row(id, inRegion, context, 'genai-prices, portkey'), us),
      price(row(`us.${id}`, geoRegions.us, context, 'genai-prices, portkey'), us),
      price(row(`apac.${id}`, geoRegions.apac, context, 'registries'), apac),
    ]),
    price(
      row('us.amazon.nova-premier-v1:0', geoRegions.us, 1_000_000, 'genai-prices, portkey'),
      rates(2_500_000, 12_500_000),
    ),
  ];
}

function nova2Lite(): ModelPrice[] {
  const row = (scope: string, regions: readonly string[], source: string): Row => ({
    model: `${scope}.amazon.nova-2-lite-v1:0`,
    regions,
    inputTokensInclude: 'net',
    samplingParameters: 'both',
    contextTokensMax: 1_000_000,
    outputTokensMax: 65_535,
    source,
  });
  const us = { input: 330_000, output: 2_750_000, cacheRead: 82_500 };
  const eu = { input: 374_000, output: 3_157_000, cacheRead: 93_500 };
  const jp = { input: 396_000, output: 3_311_000, cacheRead: 99_000 };
  return [
    price(row('global', geoRegions.us, 'genai-prices, offers'), {
      input: 300_000,
      output: 2_500_000,
      cacheRead: 75_000,
    }),
    price(row('us', geoRegions.us, 'genai-prices, offers'), us),
    // One source charges as much as in the United States; the registries' higher prices are kept.
    price(row('eu', geoRegions.eu, 'registries'), eu),
    price(row('jp', geoRegions.jp, 'registries'), jp),
  ];
}

interface Claude {
  readonly id: string;
  readonly geos: readonly Geo[];
  /** USD per million tokens through the global profile. */
  readonly input: number;
  readonly output: number;
  /** What a cached token costs as a part of an input token, in thousandths. */
  readonly cacheReadPerMille: number;
  readonly samplingParameters: ModelPrice['samplingParameters'];
  readonly contextTokensMax: number;
  readonly outputTokensMax: number;
}

function claude(): ModelPrice[] {
  const geos = ['us', 'eu', 'jp', 'au'] as const;
  const common = {
    geos,
    cacheReadPerMille: 100,
    contextTokensMax: 1_000_000,
    outputTokensMax: 128_000,
  };
  const older = {
    ...common,
    samplingParameters: 'one-of',
    contextTokensMax: 200_000,
    outputTokensMax: 64_000,
  } as const;
  const middle = { ...common, samplingParameters: 'one-of' } as const;
  const newer = { ...common, samplingParameters: 'none' } as const;
  const models: Claude[] = [
    { ...older, id: 'claude-haiku-4-5-20251001-v1:0', input: 1, output: 5 },
    { ...older, id: 'claude-sonnet-4-5-20250929-v1:0', input: 3, output: 15 },
    { ...older, id: 'claude-opus-4-5-20251101-v1:0', input: 5, output: 25 },
    { ...middle, id: 'claude-sonnet-4-6', input: 3, output: 15 },
    { ...middle, id: 'claude-opus-4-6-v1', input: 5, output: 25 },
    { ...newer, id: 'claude-opus-4-7', input: 5, output: 25 },
    { ...newer, id: 'claude-opus-4-8', input: 5, output: 25 },
    { ...newer, id: 'claude-sonnet-5', input: 2, output: 10 },
    { ...newer, id: 'claude-opus-5', input: 5, output: 25 },
    { ...newer, id: 'claude-opus-5-5', input: 4, output: 20, cacheReadPerMille: 50 },
    { ...newer, geos: ['us'], id: 'claude-fable-5', input: 10, output: 50 },
    {
      ...newer,
      geos: ['us'],
      id: 'claude-fable-5-1',
      input: 10,
      output: 50,
      cacheReadPerMille: 25,
    },
  ];
  return models.flatMap(claudeScopes);
}

function claudeScopes(model: Claude): ModelPrice[] {
  const row = (scope: string, regions: readonly string[] | null): Row => ({
    model: `${scope}.anthropic.${model.id}`,
    regions,
    inputTokensInclude: 'net',
    samplingParameters: model.samplingParameters,
    contextTokensMax: model.contextTokensMax,
    outputTokensMax: model.outputTokensMax,
    source: 'genai-prices, offers',
  });
  return [
    price(row('global', null), claudeRates(model, 1_000)),
    // A geographic profile costs 1.1 times the global one, for every kind of token.
    ...model.geos.map((geo) => price(row(geo, geoRegions[geo]), claudeRates(model, 1_100))),
  ];
}

function claudeRates(model: Claude, scopePerMille: number): Rates {
  const input = model.input * 1_000 * scopePerMille;
  return {
    input,
    output: model.output * 1_000 * scopePerMille,
    cacheRead: (input / 1_000) * model.cacheReadPerMille,
    // Five minutes to live. An hour costs twice the input price and is never asked for.
    cacheWrite: (input / 100) * 125,
  };
}

function llama(): ModelPrice[] {
  const row = (model: string, regions: readonly string[]): Row => ({
    model,
    regions,
    inputTokensInclude: 'net',
    samplingParameters: 'both',
    contextTokensMax: null,
    outputTokensMax: null,
    source: 'genai-prices, portkey',
  });
  const rates: Record<string, Rates> = {
    'meta.llama3-1-8b-instruct-v1:0': { input: 220_000, output: 220_000 },
    'meta.llama3-1-70b-instruct-v1:0': { input: 720_000, output: 720_000 },
    'meta.llama3-2-1b-instruct-v1:0': { input: 100_000, output: 100_000 },
    'meta.llama3-2-3b-instruct-v1:0': { input: 150_000, output: 150_000 },
    'meta.llama3-3-70b-instruct-v1:0': { input: 720_000, output: 720_000 },
    'meta.llama4-scout-17b-instruct-v1:0': { input: 170_000, output: 660_000 },
    'meta.llama4-maverick-17b-instruct-v1:0': { input: 240_000, output: 970_000 },
  };
  const profileOnly = /llama3-2|llama4/;
  return Object.entries(rates).flatMap(([id, its]) => [
    ...(profileOnly.test(id) ? [] : [price(row(id, inRegion), its)]),
    price(row(`us.${id}`, geoRegions.us), its),
  ]);
}

function mistral(): ModelPrice[] {
  return [
    inRegionPrice(
      'mistral.mistral-large-3-675b-instruct',
      500_000,
      1_500_000,
      'genai-prices, portkey',
    ),
    inRegionPrice('mistral.ministral-3-3b-instruct', 100_000, 100_000, 'genai-prices, portkey'),
    inRegionPrice('mistral.ministral-3-8b-instruct', 150_000, 150_000, 'genai-prices, portkey'),
    inRegionPrice('mistral.ministral-3-14b-instruct', 200_000, 200_000, 'genai-prices, portkey'),
    inRegionPrice('mistral.magistral-small-2509', 500_000, 1_500_000, 'genai-prices, portkey'),
  ];
}

function openWeight(): ModelPrice[] {
  const gross = { inputTokensInclude: 'gross' } as const;
  return [
    {
      ...inRegionPrice('openai.gpt-oss-20b-1:0', 70_000, 300_000, 'genai-prices, portkey'),
      ...gross,
    },
    {
      ...inRegionPrice('openai.gpt-oss-120b-1:0', 150_000, 600_000, 'genai-prices, portkey'),
      ...gross,
    },
    inRegionPrice('deepseek.v3-v1:0', 580_000, 1_680_000, 'portkey'),
    inRegionPrice('deepseek.v3.2', 620_000, 1_850_000, 'portkey'),
    {
      ...inRegionPrice('us.deepseek.r1-v1:0', 1_350_000, 5_400_000, 'genai-prices, portkey'),
      regions: geoRegions.us,
    },
    inRegionPrice('qwen.qwen3-32b-v1:0', 150_000, 600_000, 'genai-prices, portkey'),
    inRegionPrice('qwen.qwen3-235b-a22b-2507-v1:0', 220_000, 880_000, 'portkey'),
    inRegionPrice('qwen.qwen3-next-80b-a3b', 150_000, 1_200_000, 'portkey'),
    inRegionPrice('qwen.qwen3-coder-30b-a3b-v1:0', 150_000, 600_000, 'genai-prices, portkey'),
    inRegionPrice('qwen.qwen3-coder-480b-a35b-v1:0', 450_000, 1_800_000, 'genai-prices, portkey'),
  ];
}

function inRegionPrice(model: string, input: number, output: number, source: string): ModelPrice {
  const row: Row = {
    model,
    regions: inRegion,
    inputTokensInclude: 'net',
    samplingParameters: 'both',
    contextTokensMax: null,
    outputTokensMax: null,
    source,
  };
  return price(row, { input, output });
}

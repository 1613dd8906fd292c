import { priceTable } from '#domain/pricing.ts';
import { bareId } from './models.ts';

/** The answer of ListFoundationModels: one summary for each model of the price table. */
export function listFoundationModels(query: URLSearchParams) {
  const provider = query.get('byProvider')?.toLowerCase();
  const modality = query.get('byOutputModality');
  const modelSummaries = [...new Set(priceTable.map((price) => bareId(price.model)))]
    .map(summaryOf)
    .filter((model) => provider === undefined || model.providerName.toLowerCase() === provider)
    .filter(() => modality === null || modality === 'TEXT');
  return { modelSummaries };
}

function summaryOf(modelId: string) {
  const ids = new Set(priceTable.map((price) => price.model));
  const isProfiled = [...ids].some((id) => id !== modelId && bareId(id) === modelId);
  return {
    modelArn: `arn:aws:bedrock:us-east-1::foundation-model/${modelId}`,
    modelId,
    modelName: modelId.slice(modelId.indexOf('.') + 1),
    providerName: providers[modelId.split('.')[0] ?? ''] ?? 'Other',
    inputModalities: ['TEXT'],
    outputModalities: ['TEXT'],
    responseStreamingSupported: true,
    customizationsSupported: [],
    inferenceTypesSupported: [
      ...(ids.has(modelId) ? ['ON_DEMAND'] : []),
      ...(isProfiled ? ['INFERENCE_PROFILE'] : []),
    ],
    modelLifecycle: { status: 'ACTIVE' },
  };
}

const providers: Readonly<Record<string, string>> = {
  amazon: 'Amazon',
  anthropic: 'Anthropic',
  deepseek: 'DeepSeek',
  meta: 'Meta',
  mistral: 'Mistral AI',
  openai: 'OpenAI',
  qwen: 'Qwen',
};

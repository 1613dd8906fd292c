import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { SimulatedAnswer } from './answer.ts';
import type { Encode, Encoded } from './converse.ts';
import { contentBlock, jsonHeaders, usageOf } from './converse.ts';
import {
  checkMetadata,
  checkRange,
  joined,
  messagesSchema,
  parseBody,
  readTurns,
} from './converse-body.ts';
import type { ModelCall, Wanted } from './model-call.ts';
import { bareId, shortId } from './models.ts';
import { validationError } from './wire-error.ts';

export interface Invocation {
  readonly call: ModelCall;
  readonly encode: Encode;
}

/**
 * The call that an InvokeModel body asks for and how its answer is written: the messages body of Claude
 * or that of Nova. Throws the service's validation errors, and one for families that are not simulated here.
 */
export function parseInvoke(
  model: string,
  body: unknown,
  headers: IncomingHttpHeaders,
): Invocation {
  const metadata = metadataFrom(headers['x-amzn-bedrock-request-metadata']);
  const bare = bareId(shortId(model));
  if (bare.startsWith('anthropic.')) {
    return { call: claudeCall(model, body, metadata), encode: encodeClaude(bare) };
  }
  if (bare.startsWith('amazon.nova')) {
    return { call: novaCall(model, body, metadata), encode: encodeNova };
  }
  throw validationError(
    `This simulator's InvokeModel knows the bodies of Claude and Nova, not that of ${model}. Use Converse.`,
  );
}

const claudeBlocks = z.union([
  z.string().transform((text) => [{ text }]),
  z.array(z.looseObject({ text: z.string().optional() })),
]);
const claudeSchema = z.object({
  anthropic_version: z.literal('bedrock-2023-05-31'),
  max_tokens: z.int(),
  system: claudeBlocks.optional(),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: claudeBlocks })),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  top_k: z.number().optional(),
  stop_sequences: z.array(z.string().min(1)).optional(),
  tools: z
    .array(
      z.looseObject({
        name: z.string(),
        input_schema: z.unknown(),
        strict: z.boolean().optional(),
      }),
    )
    .optional(),
  tool_choice: z.looseObject({ type: z.string(), name: z.string().optional() }).optional(),
  output_config: z
    .looseObject({
      format: z.object({ type: z.literal('json_schema'), schema: z.unknown() }).optional(),
    })
    .optional(),
});
type ClaudeBody = z.infer<typeof claudeSchema>;

function claudeCall(model: string, body: unknown, metadata: Record<string, string>): ModelCall {
  const parsed = parseBody(claudeSchema, body);
  checkRange('max_tokens', parsed.max_tokens, 1, null);
  checkRange('temperature', parsed.temperature, 0, 1);
  checkRange('top_p', parsed.top_p, 0, 1);
  const tools = parsed.tools ?? [];
  const format = parsed.output_config?.format;
  return {
    operation: 'InvokeModel',
    model,
    system: joined(parsed.system ?? []),
    ...readTurns(parsed.messages),
    maxTokens: parsed.max_tokens,
    temperature: parsed.temperature ?? null,
    topP: parsed.top_p ?? null,
    hasTopK: parsed.top_k !== undefined,
    stop: parsed.stop_sequences ?? [],
    wanted: claudeWanted(parsed),
    hasTextFormat: format !== undefined,
    hasStrictTool: tools.some((tool) => tool.strict === true),
    definitionBytes:
      (tools.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(tools))) +
      (format === undefined ? 0 : Buffer.byteLength(JSON.stringify(format))),
    metadata,
  };
}

function claudeWanted({
  tools = [],
  tool_choice: choice,
  output_config: output,
}: ClaudeBody): Wanted {
  if (choice?.type === 'tool' || choice?.type === 'any') {
    const tool = choice.type === 'any' ? tools[0] : tools.find(({ name }) => name === choice.name);
    if (tool === undefined) throw validationError('tool_choice: the tool is not among the tools.');
    return { kind: 'tool', name: tool.name, schema: tool.input_schema };
  }
  if (output?.format === undefined) return { kind: 'text' };
  return { kind: 'json', schema: output.format.schema };
}

const claudeStopReasons: Readonly<Record<string, string>> = { content_filtered: 'refusal' };

function encodeClaude(model: string): Encode {
  return (answer, latencyMs) => {
    const { content } = answer;
    const block =
      content.kind === 'text'
        ? { type: 'text', text: content.text }
        : { type: 'tool_use', id: content.id, name: content.name, input: content.input };
    const body = {
      id: 'msg_bdrk_simulated',
      type: 'message',
      role: 'assistant',
      model: model.replace('anthropic.', ''),
      content: [block],
      stop_reason: claudeStopReasons[answer.stopReason] ?? answer.stopReason,
      stop_sequence: null,
      usage: {
        input_tokens: answer.inputTokens,
        output_tokens: answer.outputTokens,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
      },
    };
    return encoded(body, answer, latencyMs);
  };
}

const novaSchema = z.object({
  schemaVersion: z.literal('messages-v1').optional(),
  messages: messagesSchema,
  system: z.array(z.looseObject({ text: z.string().optional() })).optional(),
  inferenceConfig: z
    .object({
      maxTokens: z.int().optional(),
      temperature: z.number().optional(),
      topP: z.number().optional(),
      topK: z.number().optional(),
      stopSequences: z.array(z.string().min(1)).optional(),
    })
    .optional(),
});

function novaCall(model: string, body: unknown, metadata: Record<string, string>): ModelCall {
  const parsed = parseBody(novaSchema, body);
  const inference = parsed.inferenceConfig ?? {};
  checkRange('inferenceConfig.maxTokens', inference.maxTokens, 1, null);
  checkRange('inferenceConfig.temperature', inference.temperature, 0, 1);
  checkRange('inferenceConfig.topP', inference.topP, 0, 1);
  return {
    operation: 'InvokeModel',
    model,
    system: joined(parsed.system ?? []),
    ...readTurns(parsed.messages),
    maxTokens: inference.maxTokens ?? null,
    temperature: inference.temperature ?? null,
    topP: inference.topP ?? null,
    hasTopK: inference.topK !== undefined,
    stop: inference.stopSequences ?? [],
    wanted: { kind: 'text' },
    hasTextFormat: false,
    hasStrictTool: false,
    definitionBytes: 0,
    metadata,
  };
}

function encodeNova(answer: SimulatedAnswer, latencyMs: number): Encoded {
  const body = {
    output: { message: { role: 'assistant', content: [contentBlock(answer.content)] } },
    stopReason: answer.stopReason,
    usage: usageOf(answer),
  };
  return encoded(body, answer, latencyMs);
}

function encoded(body: unknown, answer: SimulatedAnswer, latencyMs: number): Encoded {
  const headers = {
    ...jsonHeaders,
    'x-amzn-bedrock-input-token-count': String(answer.inputTokens),
    'x-amzn-bedrock-output-token-count': String(answer.outputTokens),
    'x-amzn-bedrock-invocation-latency': String(latencyMs),
  };
  return { headers, body: JSON.stringify(body) };
}

function metadataFrom(header: string | string[] | undefined): Record<string, string> {
  if (header === undefined) return {};
  try {
    const metadata = z.record(z.string(), z.string()).parse(JSON.parse(String(header)));
    checkMetadata(metadata);
    return metadata;
  } catch {
    throw validationError('X-Amzn-Bedrock-Request-Metadata must be a JSON object of texts.');
  }
}

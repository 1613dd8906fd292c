import { z } from 'zod';
import type { ModelCall, Wanted } from './model-call.ts';
import { validationError } from './wire-error.ts';

/** The call that a Converse body asks for; throws the service's validation errors. */
export function parseConverse(
  operation: 'Converse' | 'ConverseStream',
  model: string,
  body: unknown,
): ModelCall {
  const parsed = parseBody(converseSchema, body);
  const inference = parsed.inferenceConfig;
  checkRange('inferenceConfig.maxTokens', inference?.maxTokens, 1, null);
  checkRange('inferenceConfig.temperature', inference?.temperature, 0, 1);
  checkRange('inferenceConfig.topP', inference?.topP, 0, 1);
  checkMetadata(parsed.requestMetadata ?? {});
  const turns = readTurns(parsed.messages);
  const extra = parsed.additionalModelRequestFields ?? {};
  return {
    operation,
    model,
    system: joined(parsed.system ?? []),
    ...turns,
    maxTokens: inference?.maxTokens ?? null,
    temperature: inference?.temperature ?? null,
    topP: inference?.topP ?? null,
    hasTopK: 'top_k' in extra || 'topK' in extra,
    stop: inference?.stopSequences ?? [],
    ...readWanted(parsed),
    metadata: parsed.requestMetadata ?? {},
  };
}

const blockSchema = z.looseObject({ text: z.string().optional() });
const toolSchema = z.looseObject({
  toolSpec: z
    .object({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
      inputSchema: z.object({ json: z.unknown() }),
      strict: z.boolean().optional(),
    })
    .optional(),
});

export const messagesSchema = z.array(
  z.object({ role: z.enum(['user', 'assistant']), content: z.array(blockSchema) }),
);

const converseSchema = z.object({
  messages: messagesSchema.default([]),
  system: z.array(blockSchema).optional(),
  inferenceConfig: z
    .object({
      maxTokens: z.int().optional(),
      temperature: z.number().optional(),
      topP: z.number().optional(),
      stopSequences: z.array(z.string().min(1)).optional(),
    })
    .optional(),
  toolConfig: z
    .object({
      tools: z.array(toolSchema).min(1),
      toolChoice: z
        .object({
          auto: z.unknown().optional(),
          any: z.unknown().optional(),
          tool: z.object({ name: z.string() }).optional(),
        })
        .optional(),
    })
    .optional(),
  outputConfig: z
    .looseObject({
      textFormat: z
        .object({
          type: z.literal('json_schema'),
          structure: z.object({ jsonSchema: z.looseObject({ schema: z.string() }) }),
        })
        .optional(),
    })
    .optional(),
  additionalModelRequestFields: z.record(z.string(), z.unknown()).optional(),
  requestMetadata: z.record(z.string(), z.string()).optional(),
});

type ConverseBody = z.infer<typeof converseSchema>;
type Turns = z.infer<typeof messagesSchema>;

/** The body as the schema describes it; throws the service's 400 with the places that are wrong. */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map(
    (issue) => `Value at '${issue.path.join('.')}' failed to satisfy constraint: ${issue.message}`,
  );
  throw validationError(
    `${reasons.length} validation error${reasons.length === 1 ? '' : 's'} detected: ${reasons.join('; ')}`,
  );
}

export function checkRange(
  name: string,
  value: number | undefined,
  least: number,
  most: number | null,
): void {
  if (value === undefined) return;
  if (value < least) throw outOfRange(name, `greater than or equal to ${least}`);
  if (most !== null && value > most) throw outOfRange(name, `less than or equal to ${most}`);
}

function outOfRange(name: string, rule: string): Error {
  return validationError(
    `1 validation error detected: Value at '${name}' failed to satisfy constraint: ` +
      `Member must have value ${rule}`,
  );
}

const metadataPairsMax = 16;
const metadataText = /^[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}$/;

/** Throws the service's 400 where request metadata has too many pairs or texts it does not take. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(metadata);
  const isValid =
    pairs.length <= metadataPairsMax &&
    pairs.every(([key, value]) => key !== '' && metadataText.test(key) && metadataText.test(value));
  if (isValid) return;
  throw validationError(
    "1 validation error detected: Value at 'requestMetadata' failed to satisfy constraint: at most 16 " +
      'pairs, each key and value of at most 256 characters of [a-zA-Z0-9\\s:_@$#=/+,-.]',
  );
}

/** The texts of a conversation, which must be turns that begin with the user's and alternate. */
export function readTurns(turns: Turns): { conversation: string; prompt: string } {
  const [first] = turns;
  if (first === undefined || first.role !== 'user') {
    throw validationError(
      'A conversation must start with a user message. Try again with a conversation that starts with a user message.',
    );
  }
  turns.forEach((turn, index) => checkTurn(turn, index, turns[index - 1]?.role));
  const texts = turns.map((turn) => joined(turn.content));
  const lastUser = turns.findLastIndex((turn) => turn.role === 'user');
  return { conversation: texts.join('\n'), prompt: texts[lastUser] ?? '' };
}

function checkTurn(turn: Turns[number], index: number, before: string | undefined): void {
  if (turn.role === before) {
    throw validationError(
      'A conversation must alternate between user and assistant roles. Make sure the conversation ' +
        'alternates between user and assistant roles and try again.',
    );
  }
  if (turn.content.length === 0) {
    throw validationError(
      `The content field in the Message object at messages.${index} is empty. Add a ContentBlock object to the content field and try again.`,
    );
  }
  const blank = turn.content.findIndex(
    (block) => block.text !== undefined && block.text.trim() === '',
  );
  if (blank === -1) return;
  throw validationError(
    `The text field in the ContentBlock object at messages.${index}.content.${blank} is blank. ` +
      'Add text to the text field, and try again.',
  );
}

/** Texts of the blocks; a block of another kind counts as its JSON, a cache point as nothing. */
export function joined(blocks: readonly z.infer<typeof blockSchema>[]): string {
  return blocks
    .filter((block) => !('cachePoint' in block))
    .map((block) => block.text ?? JSON.stringify(block))
    .join('\n');
}

function readWanted(
  body: ConverseBody,
): Pick<ModelCall, 'wanted' | 'hasTextFormat' | 'hasStrictTool' | 'definitionBytes'> {
  const tools = (body.toolConfig?.tools ?? []).flatMap((tool) => tool.toolSpec ?? []);
  const format = body.outputConfig?.textFormat?.structure.jsonSchema.schema;
  return {
    wanted: wantedOf(tools, body.toolConfig?.toolChoice, format),
    hasTextFormat: format !== undefined,
    hasStrictTool: tools.some((tool) => tool.strict === true),
    definitionBytes:
      (tools.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(tools))) +
      Buffer.byteLength(format ?? ''),
  };
}

function wantedOf(
  tools: readonly { name: string; inputSchema: { json?: unknown } }[],
  choice: NonNullable<ConverseBody['toolConfig']>['toolChoice'],
  format: string | undefined,
): Wanted {
  if (choice?.tool !== undefined || choice?.any !== undefined) {
    const forced = choice.tool?.name;
    const tool = forced === undefined ? tools[0] : tools.find(({ name }) => name === forced);
    if (tool === undefined) {
      throw validationError(
        `The tool '${forced}' of toolChoice is not among the tools of toolConfig.`,
      );
    }
    return { kind: 'tool', name: tool.name, schema: tool.inputSchema.json };
  }
  if (format === undefined) return { kind: 'text' };
  return { kind: 'json', schema: parseSchemaText(format) };
}

function parseSchemaText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw validationError('The JSON schema in outputConfig.textFormat is not valid JSON.');
  }
}

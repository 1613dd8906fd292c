import { BedrockClient, ListFoundationModelsCommand } from '@aws-sdk/client-bedrock';
import type { ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime';
import {
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bench } from './fixture.ts';
import {
  collect,
  converse,
  credentials,
  nova,
  post,
  request,
  signedHeaders,
  startBench,
  textOf,
  transports,
} from './fixture.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

const haiku = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const tool = {
  toolSpec: {
    name: 'emit_row',
    inputSchema: {
      json: {
        type: 'object',
        properties: {
          city: { type: 'string' },
          stars: { type: 'integer', minimum: 1, maximum: 5 },
        },
        required: ['city', 'stars'],
        additionalProperties: false,
      },
    },
  },
};

describe.each(transports)('the AWS SDK over %s', (transport) => {
  it('converse: gives an answer with its usage and request id', async () => {
    const output = await converse(bench.client(transport));
    expect(textOf(output)).toContain('Metropolis');
    expect(output).toMatchObject({
      stopReason: 'end_turn',
      output: { message: { role: 'assistant' } },
      $metadata: { httpStatusCode: 200, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    const { inputTokens = 0, outputTokens = 0, totalTokens } = output.usage ?? {};
    expect(inputTokens).toBe(Math.ceil('Write about the film "Metropolis".'.length / 4));
    expect(outputTokens).toBe(Math.ceil(Buffer.byteLength(textOf(output)) / 4));
    expect(totalTokens).toBe(inputTokens + outputTokens);
  });

  it('converse: takes a profile ARN as one encoded segment', async () => {
    const modelId = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${haiku}`;
    expect((await converse(bench.client(transport), { modelId })).stopReason).toBe('end_turn');
  });

  it('converseStream: sends the same text in frames, and metadata last', async () => {
    const client = bench.client(transport);
    const { stream } = await client.send(new ConverseStreamCommand(request()));
    const events = await collect(stream);
    const kinds = events.map((event) => Object.keys(event)[0] ?? '');
    expect(kinds.filter((kind, index) => kind !== kinds[index - 1])).toEqual([
      'messageStart',
      'contentBlockDelta',
      'contentBlockStop',
      'messageStop',
      'metadata',
    ]);
    const text = events.map((event) => event.contentBlockDelta?.delta?.text ?? '').join('');
    const whole = await converse(client);
    expect(text).toBe(textOf(whole));
    expect(events.at(-1)?.metadata?.usage).toEqual(whole.usage);
  });

  it('converseStream: sends a forced tool as JSON in pieces', async () => {
    const command = new ConverseStreamCommand(
      request({ toolConfig: { tools: [tool], toolChoice: { tool: { name: 'emit_row' } } } }),
    );
    const { stream } = await bench.client(transport).send(command);
    const events = await collect(stream);
    const start = events.find((event) => event.contentBlockStart)?.contentBlockStart?.start;
    const json = events
      .map((event) => event.contentBlockDelta?.delta?.toolUse?.input ?? '')
      .join('');
    expect(start?.toolUse?.name).toBe('emit_row');
    expect(JSON.parse(json)).toEqual({ city: expect.any(String), stars: expect.any(Number) });
    expect(events.find((event) => event.messageStop)?.messageStop?.stopReason).toBe('tool_use');
  });

  it('invokeModel: answers the messages body of Claude', async () => {
    const body = {
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 300,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'Describe Oslo.' }],
    };
    const command = new InvokeModelCommand({
      modelId: haiku,
      contentType: 'application/json',
      body: JSON.stringify(body),
    });
    const output = await bench.client(transport).send(command);
    expect(JSON.parse(output.body.transformToString())).toMatchObject({
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: expect.stringContaining('Oslo') }],
      stop_reason: 'end_turn',
      usage: { input_tokens: Math.ceil(('Be brief.'.length + 'Describe Oslo.'.length) / 4) },
    });
  });

  it('invokeModel: answers the messages body of Nova', async () => {
    const messages = [{ role: 'user', content: [{ text: 'Describe Oslo.' }] }];
    const body = { schemaVersion: 'messages-v1', messages, inferenceConfig: { maxTokens: 300 } };
    const command = new InvokeModelCommand({
      modelId: nova,
      contentType: 'application/json',
      body: JSON.stringify(body),
    });
    const output = await bench.client(transport).send(command);
    expect(JSON.parse(output.body.transformToString())).toMatchObject({
      output: { message: { content: [{ text: expect.stringContaining('Oslo') }] } },
      stopReason: 'end_turn',
    });
  });

  it('countTokens: counts what usage then reports, for a foundation model of Claude', async () => {
    const client = bench.client(transport);
    const { messages } = request();
    const counted = await client.send(
      new CountTokensCommand({
        modelId: 'anthropic.claude-haiku-4-5-20251001-v1:0',
        input: { converse: { messages } },
      }),
    );
    const { usage } = await converse(client, { modelId: haiku });
    expect(counted.inputTokens).toBe(usage?.inputTokens);
  });

  it.each([nova, haiku])('countTokens: is refused, when the model is %s', async (modelId) => {
    const { messages } = request();
    const command = new CountTokensCommand({ modelId, input: { converse: { messages } } });
    await expect(bench.client(transport).send(command)).rejects.toThrow(
      "The provided model doesn't support counting tokens.",
    );
  });

  const claude = (id: string) => `us.anthropic.claude-${id}`;
  const schema = JSON.stringify({ type: 'object', properties: {}, additionalProperties: false });
  const outputConfig: NonNullable<ConverseCommandInput['outputConfig']> = {
    textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'row', schema } } },
  };
  const strictTool = { tools: [{ toolSpec: { ...tool.toolSpec, strict: true } }] };
  it.each<[string, Partial<ConverseCommandInput>, string]>([
    ['no messages', { messages: [] }, 'must start with a user message'],
    [
      'a blank text',
      { messages: [{ role: 'user', content: [{ text: ' ' }] }] },
      'messages.0.content.0 is blank',
    ],
    ['maxTokens 0', { inferenceConfig: { maxTokens: 0 } }, 'greater than or equal to 1'],
    ['temperature 1.1', { inferenceConfig: { temperature: 1.1 } }, 'less than or equal to 1'],
    [
      'one token above the limit',
      { inferenceConfig: { maxTokens: 10_001 } },
      'exceed the model limit of 10000',
    ],
    [
      'an unknown model',
      { modelId: 'amazon.nova-huge-v9:0' },
      'The provided model identifier is invalid.',
    ],
    [
      'a model that has only profiles',
      { modelId: 'anthropic.claude-sonnet-5' },
      'Retry your request with the ID or ARN of an inference profile',
    ],
    [
      'temperature for Opus 4.7',
      { modelId: claude('opus-4-7'), inferenceConfig: { temperature: 0.5 } },
      'temperature is deprecated for this model.',
    ],
    [
      'topP for Sonnet 5',
      { modelId: claude('sonnet-5'), inferenceConfig: { topP: 0.5 } },
      'top_p is deprecated for this model.',
    ],
    [
      'temperature and topP for Haiku 4.5',
      { modelId: haiku, inferenceConfig: { temperature: 0.5, topP: 0.5 } },
      'cannot both be specified',
    ],
    [
      'a text format for Opus 4.8',
      { modelId: claude('opus-4-8'), outputConfig },
      'output_config.format: Extra inputs are not permitted',
    ],
    [
      'a strict tool for Opus 5.5',
      { modelId: claude('opus-5-5'), toolConfig: strictTool },
      'tools.0.custom.strict: Extra inputs are not permitted',
    ],
    [
      'a metadata value with a quote in it',
      { requestMetadata: { pp_call: 'a"b' } },
      "Value at 'requestMetadata'",
    ],
  ])('converse: is refused as ValidationException, given %s', async (_, over, message) => {
    const failed = await converse(bench.client(transport), over).catch((error) => error);
    expect(failed).toBeInstanceOf(ValidationException);
    expect(failed.message).toContain(message);
    expect(failed.$metadata.httpStatusCode).toBe(400);
  });

  it.each<[string, Partial<ConverseCommandInput>]>([
    ['the highest maxTokens', { inferenceConfig: { maxTokens: 10_000 } }],
    ['temperature 1 and topP 1', { inferenceConfig: { temperature: 1, topP: 1 } }],
    ['temperature for Haiku 4.5', { modelId: haiku, inferenceConfig: { temperature: 0.5 } }],
    ['metadata of our holds', { requestMetadata: { pp_hold: 'job_01K/000012/3', pp_call: 'c-1' } }],
  ])('converse: is answered, given %s', async (_, over) => {
    expect((await converse(bench.client(transport), over)).stopReason).toBe('end_turn');
  });
});

describe('routes', () => {
  it.each([
    ['POST', '/model/x/unknown'],
    ['POST', '/model/x'],
    ['POST', '/model/x/converse/more'],
    ['GET', `/model/${nova}/converse`],
    ['GET', '/'],
    ['DELETE', '/knobs'],
  ])('%s %s is a 404 with its type', async (method, path) => {
    const response = await fetch(`${bench.url}${path}`, {
      method,
      headers: signedHeaders(new Date()),
    });
    expect(response.status).toBe(404);
    expect(response.headers.get('x-amzn-errortype')).toBe('UnknownOperationException');
    expect(await response.json()).toEqual({ message: expect.stringContaining(path) });
  });

  it('converse: is a 400, when the body is not JSON', async () => {
    const response = await post(`${bench.url}/model/${nova}/converse`, '{"messages":');
    expect(response.status).toBe(400);
    expect(response.headers.get('x-amzn-errortype')).toBe('ValidationException');
  });

  it.each([
    [25_000_000, 400],
    [25_000_001, 413],
  ])('converse: a body of %d bytes is a %d', async (bytes, status) => {
    const response = await post(`${bench.url}/model/${nova}/converse`, new Uint8Array(bytes));
    expect(response.status).toBe(status);
  });

  it('listFoundationModels: lists the priced models once each, by provider', async () => {
    const client = new BedrockClient({
      endpoint: bench.url,
      region: 'us-east-1',
      credentials,
      requestHandler: new NodeHttpHandler(),
    });
    const { modelSummaries = [] } = await client.send(
      new ListFoundationModelsCommand({ byProvider: 'Amazon' }),
    );
    client.destroy();
    const ids = modelSummaries.map((model) => model.modelId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain(nova);
    expect(ids.every((id) => id?.startsWith('amazon.'))).toBe(true);
    expect(modelSummaries.find((model) => model.modelId === nova)?.inferenceTypesSupported).toEqual(
      ['ON_DEMAND', 'INFERENCE_PROFILE'],
    );
  });
});

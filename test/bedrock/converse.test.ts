import { setMaxListeners } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CallControls, Model, ModelRequest } from '#bedrock/contract.ts';
import { type BedrockModelOptions, createBedrockModel } from '#bedrock/converse.ts';
import {
  type Behaviour,
  converseAnswer,
  response,
  startWireServer,
  usage,
  type WireServer,
} from './wire-server.ts';

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const respond =
  (status: number, body: unknown, headers = {}): Behaviour =>
  (socket) =>
    socket.write(response(status, body, headers));

const request: ModelRequest = {
  model: 'amazon.nova-lite-v1:0',
  system: null,
  prompt: 'Tell a story',
  maxTokens: 300,
  temperature: null,
  topP: null,
  stop: [],
  hold: 'job_1/7/2',
  call: 'call_1',
};

const controls = (fields: Partial<CallControls> = {}): CallControls => ({
  signal: new AbortController().signal,
  beforeSend: async () => {},
  ...fields,
});

async function start(
  behave: Behaviour,
  options: Partial<BedrockModelOptions> = {},
): Promise<{ server: WireServer; model: Model }> {
  const server = await startWireServer(behave);
  const model = createBedrockModel({
    region: 'us-east-1',
    endpoint: server.endpoint,
    concurrencyMax: 8,
    callTimeoutMs: 10_000,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    ...options,
  });
  cleanUps.push(async () => {
    await model.close();
    await server.stop();
  });
  return { server, model };
}

async function sentBody(fields: Partial<ModelRequest>): Promise<unknown> {
  const { server, model } = await start(respond(200, converseAnswer()));
  await model.call({ ...request, ...fields }, controls());
  return JSON.parse(server.requests[0]?.body ?? '');
}

describe('converse: the request', () => {
  it('everything asked for: is on the wire, signed, with the hold and the call', async () => {
    const { server, model } = await start(respond(200, converseAnswer()));
    const asked = {
      ...request,
      system: 'Be brief',
      prompt: 'Zoë: 日本',
      temperature: 0.7,
      topP: 0.9,
      stop: ['END'],
    };
    await model.call(asked, controls());
    const [sent] = server.requests;
    expect(sent?.path).toBe('/model/amazon.nova-lite-v1%3A0/converse');
    expect(sent?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/bedrock\/aws4_request, SignedHeaders=[a-z0-9;-]*x-amz-date[a-z0-9;-]*, Signature=[0-9a-f]{64}$/,
    );
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      system: [{ text: 'Be brief' }],
      messages: [{ role: 'user', content: [{ text: 'Zoë: 日本' }] }],
      inferenceConfig: { maxTokens: 300, temperature: 0.7, topP: 0.9, stopSequences: ['END'] },
      requestMetadata: { pp_hold: 'job_1/7/2', pp_call: 'call_1' },
    });
  });

  it('nothing optional asked for: sends maxTokens alone', async () => {
    expect(await sentBody({ system: '  ' })).toEqual({
      messages: [{ role: 'user', content: [{ text: 'Tell a story' }] }],
      inferenceConfig: { maxTokens: 300 },
      requestMetadata: { pp_hold: 'job_1/7/2', pp_call: 'call_1' },
    });
  });

  it.each([
    { model: 'us.anthropic.claude-sonnet-5', sent: {} },
    { model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0', sent: { temperature: 0 } },
    { model: 'amazon.nova-lite-v1:0', sent: { temperature: 0, topP: 1 } },
  ])('$model: gets the sampling parameters that it accepts', async ({ model, sent }) => {
    expect(await sentBody({ model, temperature: 0, topP: 1 })).toMatchObject({
      inferenceConfig: { maxTokens: 300, ...sent },
    });
    const body = JSON.stringify(await sentBody({ model, temperature: 0, topP: 1 }));
    expect(body.includes('topP')).toBe('topP' in sent);
    expect(body.includes('temperature')).toBe('temperature' in sent);
  });

  it.each(['amazon.nova-lite-v2:0', 'eu.anthropic.claude-sonnet-5'])(
    '%s: is not sent where its price is not known',
    async (model) => {
      const its = await start(respond(200, converseAnswer()));
      const outcome = await its.model.call({ ...request, model }, controls());
      expect(outcome).toMatchObject({ kind: 'not-billed', failure: { kind: 'model-not-found' } });
      expect(its.server.connections()).toBe(0);
    },
  );

  it.each(['', 'a'.repeat(257), 'höld', 'a;b'])('a hold id "%s": is a bug', async (hold) => {
    const { server, model } = await start(respond(200, converseAnswer()));
    await expect(model.call({ ...request, hold }, controls())).rejects.toThrow('request metadata');
    expect(server.connections()).toBe(0);
  });

  it('with a bearer token: carries it instead of a signature', async () => {
    const { server, model } = await start(respond(200, converseAnswer()), { bearerToken: 'key-1' });
    expect((await model.call(request, controls())).kind).toBe('answered');
    expect(server.requests[0]?.headers.authorization).toBe('Bearer key-1');
    expect(model.isSigned).toBe(false);
  });

  it('with a bearer token in the environment only: stays signed, as isSigned says', async () => {
    vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', 'key-2');
    const { server, model } = await start(respond(200, converseAnswer()));
    expect((await model.call(request, controls())).kind).toBe('answered');
    expect(server.requests[0]?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 /);
    expect(model.isSigned).toBe(true);
  });
});

describe('converse: the fence before sending', () => {
  it('beforeSend: is awaited after the signature was dated and before a byte is sent', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T10:00:00Z') });
    const { server, model } = await start(respond(200, converseAnswer()));
    const beforeSend = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      expect(server.connections()).toBe(0);
      vi.setSystemTime(new Date('2026-11-20T10:10:00Z'));
    };
    expect((await model.call(request, controls({ beforeSend }))).kind).toBe('answered');
    expect(server.requests[0]?.headers['x-amz-date']).toBe('20261120T100000Z');
  });

  it('beforeSend throws: nothing is sent, nothing is billed, the reason is told', async () => {
    const { server, model } = await start(respond(200, converseAnswer()));
    const beforeSend = () => Promise.reject(new Error('the hold is abandoned'));
    const outcome = await model.call(request, controls({ beforeSend }));
    expect(outcome).toMatchObject({ kind: 'not-billed', failure: { kind: 'not-sent' } });
    expect(JSON.stringify(outcome)).toContain('the hold is abandoned');
    expect(server.connections()).toBe(0);
  });

  it.each([{ when: 'before the call' }, { when: 'while beforeSend is awaited' }])(
    'aborted $when: nothing is sent',
    async ({ when }) => {
      const { server, model } = await start(respond(200, converseAnswer()));
      const abort = new AbortController();
      if (when === 'before the call') abort.abort(new Error('draining'));
      const beforeSend = async () => abort.abort(new Error('draining'));
      const outcome = await model.call(request, controls({ signal: abort.signal, beforeSend }));
      expect(outcome).toMatchObject({ kind: 'not-billed', failure: { kind: 'not-sent' } });
      expect(server.connections()).toBe(0);
    },
  );

  it('without credentials: nothing is sent, and a person has to act', async () => {
    const credentials = () =>
      Promise.reject(Object.assign(new Error('none found'), { name: 'CredentialsProviderError' }));
    const { server, model } = await start(respond(200, converseAnswer()), { credentials });
    const outcome = await model.call(request, controls());
    expect(outcome).toMatchObject({ kind: 'not-billed', failure: { kind: 'access-denied' } });
    expect(server.connections()).toBe(0);
  });

  it('aborted after sending: may be billed, and the connection is closed', async () => {
    const abort = new AbortController();
    const { server, model } = await start(() => abort.abort(new Error('cancelled')));
    const outcome = await model.call(request, controls({ signal: abort.signal }));
    expect(outcome).toMatchObject({ kind: 'unknown', failure: { kind: 'no-answer' } });
    await vi.waitFor(() => expect(server.closed()).toBe(1), { timeout: 30_000 });
  });
});

describe('converse: the answer', () => {
  it('text blocks: are joined in order; reasoning is left out', async () => {
    const content = [
      { reasoningContent: { reasoningText: { text: 'thinking', signature: 's' } } },
      { text: 'Once ' },
      { text: 'upon' },
    ];
    const body = converseAnswer({
      output: { message: { role: 'assistant', content } },
      stopReason: 'max_tokens',
      usage: { ...usage, cacheReadInputTokens: 2_048, cacheWriteInputTokens: 16 },
    });
    const { model } = await start(respond(200, body));
    expect(await model.call(request, controls())).toEqual({
      kind: 'answered',
      answer: {
        text: 'Once upon',
        stopReason: 'max_tokens',
        usage: { inputTokens: 120, outputTokens: 48, cacheReadTokens: 2_048, cacheWriteTokens: 16 },
        latencyMs: 913,
        requestId: 'req-1',
      },
    });
  });

  it('no content: is an answer without text, which is paid', async () => {
    const { model } = await start(respond(200, converseAnswer({ output: {} })));
    expect(await model.call(request, controls())).toMatchObject({ answer: { text: '' } });
  });

  it.each([
    { seen: undefined },
    { seen: null },
    { seen: {} },
    { seen: { ...usage, outputTokens: null } },
    { seen: { ...usage, inputTokens: 1.5 } },
    { seen: { ...usage, outputTokens: -1 } },
    { seen: { ...usage, inputTokens: '120' } },
    { seen: { ...usage, cacheReadInputTokens: 0.5 } },
    { seen: { ...usage, inputTokens: 2 ** 53 } },
  ])('usage $seen: cannot be charged, so the cost is unknown', async ({ seen }) => {
    const { model } = await start(respond(200, converseAnswer({ usage: seen })));
    expect(await model.call(request, controls())).toMatchObject({
      kind: 'unknown',
      failure: { kind: 'no-answer' },
    });
  });
});

describe('converse: connections', () => {
  it('calls one after the other: share one connection', async () => {
    const { server, model } = await start(respond(200, converseAnswer()));
    for (let n = 0; n < 20; n += 1) await model.call(request, controls());
    expect(server.requests.length).toBe(20);
    expect(server.connections()).toBe(1);
  });

  it('calls at a time: each have a connection, which the next round uses again', async () => {
    const { server, model } = await start(respond(200, converseAnswer()), { concurrencyMax: 40 });
    const signal = new AbortController().signal;
    setMaxListeners(0, signal);
    for (let round = 0; round < 3; round += 1) {
      const calls = Array.from({ length: 40 }, () => model.call(request, controls({ signal })));
      expect((await Promise.all(calls)).every((outcome) => outcome.kind === 'answered')).toBe(true);
    }
    expect(server.requests.length).toBe(120);
    expect(server.connections()).toBeLessThanOrEqual(40);
  });

  it('a failed call: does not hurt the next one', async () => {
    let isFirst = true;
    const { model } = await start((socket) => {
      if (isFirst) socket.destroy();
      else socket.write(response(200, converseAnswer()));
      isFirst = false;
    });
    expect((await model.call(request, controls())).kind).toBe('unknown');
    expect((await model.call(request, controls())).kind).toBe('answered');
  });
});

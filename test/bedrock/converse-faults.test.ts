import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CallOutcome } from '#bedrock/contract.ts';
import { createBedrockModel } from '#bedrock/converse.ts';
import { type Behaviour, converseAnswer, response, startWireServer } from './wire-server.ts';

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function callAt(endpoint: string, callTimeoutMs: number): Promise<CallOutcome> {
  const model = createBedrockModel({
    region: 'us-east-1',
    endpoint,
    concurrencyMax: 2,
    callTimeoutMs,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  });
  cleanUps.push(() => model.close());
  const request = {
    model: 'amazon.nova-lite-v1:0',
    system: null,
    prompt: 'p',
    maxTokens: 10,
    temperature: null,
    topP: null,
    stop: [],
    hold: 'h',
    call: 'c',
  };
  return model.call(request, { signal: new AbortController().signal, beforeSend: async () => {} });
}

/** The outcome of one call against a server that behaves like this, and how many requests it saw. */
async function outcomeOf(behave: Behaviour, callTimeoutMs = 10_000) {
  const server = await startWireServer(behave);
  cleanUps.push(server.stop);
  const outcome = await callAt(server.endpoint, callTimeoutMs);
  return { outcome, requests: server.requests.length };
}

const html = '<html><body>Bad gateway</body></html>';

describe('converse: errors on the wire', () => {
  it.each([
    { status: 400, type: 'ValidationException', is: 'not-billed', kind: 'request-refused' },
    { status: 403, type: 'AccessDeniedException', is: 'not-billed', kind: 'access-denied' },
    { status: 404, type: 'ResourceNotFoundException', is: 'not-billed', kind: 'model-not-found' },
    { status: 408, type: 'ModelTimeoutException', is: 'unknown', kind: 'provider-error' },
    { status: 424, type: 'ModelErrorException', is: 'unknown', kind: 'provider-error' },
    { status: 429, type: 'ThrottlingException', is: 'not-billed', kind: 'throttled' },
    {
      status: 429,
      type: 'ThrottlingException:http://internal.amazon.com/',
      is: 'not-billed',
      kind: 'throttled',
    },
    { status: 429, type: 'ModelNotReadyException', is: 'not-billed', kind: 'model-not-ready' },
    { status: 500, type: 'InternalServerException', is: 'unknown', kind: 'provider-error' },
    {
      status: 503,
      type: 'ServiceUnavailableException',
      is: 'not-billed',
      kind: 'service-unavailable',
    },
    { status: 529, type: 'overloaded_error', is: 'unknown', kind: 'provider-error' },
    { status: 400, type: 'InventedIn2027Exception', is: 'unknown', kind: 'provider-error' },
    { status: 403, type: 'ExpiredTokenException', is: 'not-billed', kind: 'access-denied' },
  ])('$status $type: is $is, $kind, after one request', async ({ status, type, is, kind }) => {
    const body = { message: 'as the service says' };
    const { outcome, requests } = await outcomeOf((socket) =>
      socket.write(response(status, body, { 'x-amzn-errortype': type })),
    );
    expect(outcome).toMatchObject({ kind: is, failure: { kind } });
    expect(outcome.kind !== 'answered' && outcome.failure.message).toContain('as the service says');
    expect(requests).toBe(1);
  });

  it.each([
    { status: 502, is: 'unknown', kind: 'no-answer' },
    { status: 503, is: 'unknown', kind: 'no-answer' },
    { status: 504, is: 'unknown', kind: 'no-answer' },
    { status: 200, is: 'unknown', kind: 'no-answer' },
    { status: 429, is: 'not-billed', kind: 'throttled' },
    { status: 403, is: 'not-billed', kind: 'access-denied' },
  ])(
    '$status with a page of HTML: is $is, $kind, after one request',
    async ({ status, is, kind }) => {
      const { outcome, requests } = await outcomeOf((socket) =>
        socket.write(response(status, html, { 'content-type': 'text/html' })),
      );
      expect(outcome).toMatchObject({ kind: is, failure: { kind } });
      expect(requests).toBe(1);
    },
  );

  it('retry-after on a throttle: reaches the outcome in milliseconds', async () => {
    const headers = { 'x-amzn-errortype': 'ThrottlingException', 'retry-after': '3' };
    const { outcome } = await outcomeOf((socket) =>
      socket.write(response(429, { message: 'Too many requests' }, headers)),
    );
    expect(outcome).toMatchObject({ kind: 'not-billed', retryAfterMs: 3_000 });
  });
});

describe('converse: broken connections', () => {
  const whole = response(200, converseAnswer());

  it.each<{ what: string; behave: Behaviour }>([
    { what: 'reset after the request', behave: (socket) => socket.resetAndDestroy() },
    { what: 'closed after the request', behave: (socket) => socket.end() },
    { what: 'half the headers, then closed', behave: (socket) => socket.end(whole.slice(0, 20)) },
    { what: 'half the body, then closed', behave: (socket) => socket.end(whole.slice(0, -30)) },
    {
      what: 'half the body, then reset',
      behave: (socket) => socket.write(whole.slice(0, -30), () => socket.resetAndDestroy()),
    },
    { what: 'no HTTP', behave: (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n') },
    { what: 'JSON cut short', behave: (socket) => socket.write(response(200, '{"output":{"mess')) },
    { what: 'JSON that is no object', behave: (socket) => socket.write(response(200, '"hello"')) },
    { what: 'an empty body', behave: (socket) => socket.write(response(200, '')) },
  ])('$what: may be billed, and is not sent again', async ({ behave }) => {
    const { outcome, requests } = await outcomeOf(behave);
    expect(outcome).toMatchObject({ kind: 'unknown', failure: { kind: 'no-answer' } });
    expect(requests).toBe(1);
  });

  it.each<{ what: string; behave: Behaviour }>([
    { what: 'no response', behave: () => {} },
    {
      what: 'headers, and no body',
      behave: (socket) => socket.write(whole.slice(0, whole.indexOf('{'))),
    },
    {
      what: 'a body that trickles without an end',
      behave: (socket) => {
        socket.write(
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n',
        );
        const trickle = setInterval(() => socket.write(' '), 20);
        socket.on('close', () => clearInterval(trickle));
      },
    },
  ])('$what: ends at the time-out of the call, and may be billed', async ({ behave }) => {
    const { outcome, requests } = await outcomeOf(behave, 300);
    expect(outcome).toMatchObject({ kind: 'unknown', failure: { kind: 'no-answer' } });
    expect(outcome.kind !== 'answered' && outcome.failure.message).toContain('300 ms');
    expect(requests).toBe(1);
  });

  it('a connection that is refused: is not billed', async () => {
    const server = await startWireServer(() => {});
    await server.stop();
    const outcome = await callAt(server.endpoint, 10_000);
    expect(outcome).toMatchObject({ kind: 'not-billed', failure: { kind: 'unreachable' } });
  });

  it('a host that does not exist: is not billed', async () => {
    const outcome = await callAt('http://bedrock.invalid', 10_000);
    expect(outcome).toMatchObject({ kind: 'not-billed', failure: { kind: 'unreachable' } });
  });

  it('a connection that is reset at the first byte: may be billed, as nothing says it was not', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const outcome = await callAt(`http://127.0.0.1:${port}`, 10_000);
    expect(outcome).toMatchObject({ kind: 'unknown', failure: { kind: 'no-answer' } });
  });

  const handshakeFailure = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);

  it.each<{ what: string; answer: (socket: Socket) => void }>([
    { what: 'closed', answer: (socket) => socket.end() },
    { what: 'refused with an alert', answer: (socket) => socket.end(handshakeFailure) },
  ])('a TLS handshake that is $what: is not billed', async ({ answer }) => {
    const port = await listen((socket) => socket.once('data', () => answer(socket)));
    const outcome = await callAt(`https://127.0.0.1:${port}`, 10_000);
    expect(outcome).toMatchObject({ kind: 'not-billed', failure: { kind: 'unreachable' } });
  });
});

async function listen(accept: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => new Promise((resolve) => server.close(() => resolve())));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

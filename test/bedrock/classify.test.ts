import * as sdk from '@aws-sdk/client-bedrock-runtime';
import { describe, expect, it } from 'vitest';
import { classify, classifyUnsent } from '#bedrock/classify.ts';

type ErrorClass = new (options: {
  message: string;
  $metadata: { httpStatusCode: number };
}) => Error;

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === 'function' && value.prototype instanceof Error;
}

const errorClasses = new Map<string, ErrorClass>();
for (const [name, value] of Object.entries(sdk)) {
  if (isErrorClass(value)) errorClasses.set(name, value);
}

/** Every error class of the SDK, with the status the service sends. A new one has to be thought through. */
const sdkErrors = [
  { name: 'AccessDeniedException', status: 403, outcome: 'not-billed', kind: 'access-denied' },
  {
    name: 'ResourceNotFoundException',
    status: 404,
    outcome: 'not-billed',
    kind: 'model-not-found',
  },
  {
    name: 'ServiceQuotaExceededException',
    status: 400,
    outcome: 'not-billed',
    kind: 'quota-exceeded',
  },
  {
    name: 'ServiceUnavailableException',
    status: 503,
    outcome: 'not-billed',
    kind: 'service-unavailable',
  },
  { name: 'ModelNotReadyException', status: 429, outcome: 'not-billed', kind: 'model-not-ready' },
  { name: 'ThrottlingException', status: 429, outcome: 'not-billed', kind: 'throttled' },
  { name: 'ValidationException', status: 400, outcome: 'not-billed', kind: 'request-refused' },
  // The model ran, for a while or to its end.
  { name: 'ModelTimeoutException', status: 408, outcome: 'unknown', kind: 'provider-error' },
  { name: 'ModelErrorException', status: 424, outcome: 'unknown', kind: 'provider-error' },
  { name: 'ModelStreamErrorException', status: 424, outcome: 'unknown', kind: 'provider-error' },
  { name: 'InternalServerException', status: 500, outcome: 'unknown', kind: 'provider-error' },
  // Not an answer of Converse, and so on no list.
  { name: 'ConflictException', status: 400, outcome: 'unknown', kind: 'provider-error' },
  {
    name: 'BedrockRuntimeServiceException',
    status: 400,
    outcome: 'unknown',
    kind: 'provider-error',
  },
];

describe('classify: errors of the SDK', () => {
  it('the table: names every error class that the SDK exports', () => {
    const exported = [...errorClasses.keys()].filter((name) => !name.startsWith('__'));
    expect(exported.toSorted()).toEqual(sdkErrors.map((row) => row.name).toSorted());
  });

  it.each(sdkErrors)('$name: is $outcome, $kind', ({ name, status, outcome, kind }) => {
    const Class = errorClasses.get(name);
    if (Class === undefined) throw new Error(`the SDK exports no ${name}`);
    const error = new Class({
      message: 'as the service says',
      $metadata: { httpStatusCode: status },
    });
    // The base class stands for every unmodelled error and takes its name from the wire.
    if (name === 'BedrockRuntimeServiceException') error.name = 'InventedIn2027Exception';
    expect(classify(error)).toMatchObject({ kind: outcome, failure: { kind } });
  });
});

const answered = (name: string, status: number, message = 'm', headers = {}) =>
  Object.assign(new Error(message), {
    name,
    $metadata: { httpStatusCode: status },
    $response: { statusCode: status, headers },
  });

const broken = (message: string, fields: object) => Object.assign(new Error(message), fields);

describe('classify: what else the wire brings', () => {
  it.each([
    {
      error: answered('ThrottlingException', 429, 'Too many tokens per day, please wait.'),
      outcome: 'not-billed',
      kind: 'quota-exceeded',
    },
    {
      error: answered('ThrottlingException', 429, 'Too many tokens, please wait.'),
      outcome: 'not-billed',
      kind: 'throttled',
    },
    {
      error: answered(
        'InvalidSignatureException',
        403,
        'Signature expired: 2026 is now earlier than',
      ),
      outcome: 'not-billed',
      kind: 'not-sent',
    },
    {
      error: answered('InvalidSignatureException', 403, 'The signature does not match'),
      outcome: 'not-billed',
      kind: 'access-denied',
    },
    { error: answered('ExpiredTokenException', 403), outcome: 'not-billed', kind: 'access-denied' },
    {
      error: answered('UnrecognizedClientException', 403),
      outcome: 'not-billed',
      kind: 'access-denied',
    },
    // A name on no list decides against itself, whatever the status.
    { error: answered('InventedIn2027Exception', 429), outcome: 'unknown', kind: 'provider-error' },
    { error: answered('constructor', 429), outcome: 'unknown', kind: 'provider-error' },
    // Bodies without a name: what stands before the service.
    { error: answered('SyntaxError', 403), outcome: 'not-billed', kind: 'access-denied' },
    { error: answered('Unknown', 429), outcome: 'not-billed', kind: 'throttled' },
    { error: answered('SyntaxError', 413), outcome: 'not-billed', kind: 'request-refused' },
    { error: answered('Unknown', 400), outcome: 'unknown', kind: 'no-answer' },
    { error: answered('SyntaxError', 502), outcome: 'unknown', kind: 'no-answer' },
    { error: answered('SyntaxError', 503), outcome: 'unknown', kind: 'no-answer' },
    { error: answered('SyntaxError', 504), outcome: 'unknown', kind: 'no-answer' },
    { error: answered('Unknown', 500), outcome: 'unknown', kind: 'provider-error' },
    { error: answered('Unknown', 529), outcome: 'unknown', kind: 'provider-error' },
    // A success that cannot be read was paid for, even when it claims to be a refusal.
    { error: answered('SyntaxError', 200), outcome: 'unknown', kind: 'no-answer' },
    { error: answered('ThrottlingException', 200), outcome: 'unknown', kind: 'no-answer' },
    // A name alone, without a response, is no evidence.
    { error: broken('m', { name: 'ThrottlingException' }), outcome: 'unknown', kind: 'no-answer' },
    {
      error: broken('connect ECONNREFUSED', { code: 'ECONNREFUSED', syscall: 'connect' }),
      outcome: 'not-billed',
      kind: 'unreachable',
    },
    {
      error: broken('connect ETIMEDOUT', {
        name: 'TimeoutError',
        code: 'ETIMEDOUT',
        syscall: 'connect',
      }),
      outcome: 'not-billed',
      kind: 'unreachable',
    },
    {
      error: broken(
        'the request socket did not establish a connection with the server within the configured timeout',
        { name: 'TimeoutError' },
      ),
      outcome: 'not-billed',
      kind: 'unreachable',
    },
    {
      error: new AggregateError([
        broken('connect ECONNREFUSED ::1', { syscall: 'connect' }),
        broken('connect ETIMEDOUT 127.0.0.1', { syscall: 'connect' }),
      ]),
      outcome: 'not-billed',
      kind: 'unreachable',
    },
    {
      error: new AggregateError([
        broken('connect ECONNREFUSED ::1', { syscall: 'connect' }),
        broken('read ECONNRESET', { syscall: 'read' }),
      ]),
      outcome: 'unknown',
      kind: 'no-answer',
    },
    { error: new AggregateError([]), outcome: 'unknown', kind: 'no-answer' },
    {
      error: broken('getaddrinfo ENOTFOUND x', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }),
      outcome: 'not-billed',
      kind: 'unreachable',
    },
    {
      error: broken('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      outcome: 'not-billed',
      kind: 'unreachable',
    },
    {
      error: broken(
        'Client network socket disconnected before secure TLS connection was established',
        { code: 'ECONNRESET' },
      ),
      outcome: 'not-billed',
      kind: 'unreachable',
    },
    {
      error: broken('read ECONNRESET', { code: 'ECONNRESET', syscall: 'read' }),
      outcome: 'unknown',
      kind: 'no-answer',
    },
    {
      error: broken('socket hang up', { code: 'ECONNRESET' }),
      outcome: 'unknown',
      kind: 'no-answer',
    },
    {
      error: broken('write EPIPE', { code: 'EPIPE', syscall: 'write' }),
      outcome: 'unknown',
      kind: 'no-answer',
    },
    {
      error: broken('a request has exceeded the configured 10 ms requestTimeout', {
        name: 'TimeoutError',
        code: 'ETIMEDOUT',
      }),
      outcome: 'unknown',
      kind: 'no-answer',
    },
    {
      error: broken('Request aborted', { name: 'AbortError' }),
      outcome: 'unknown',
      kind: 'no-answer',
    },
    { error: new TypeError('a bug of ours'), outcome: 'unknown', kind: 'no-answer' },
    { error: 'thrown text', outcome: 'unknown', kind: 'no-answer' },
    { error: null, outcome: 'unknown', kind: 'no-answer' },
    { error: undefined, outcome: 'unknown', kind: 'no-answer' },
  ])('$error.name $error.$metadata.httpStatusCode $error.message: is $outcome, $kind', (row) => {
    expect(classify(row.error)).toMatchObject({ kind: row.outcome, failure: { kind: row.kind } });
  });

  it.each([
    { headers: { 'retry-after': '7' }, retryAfterMs: 7_000 },
    { headers: { 'Retry-After': '0' }, retryAfterMs: 0 },
    { headers: { 'x-amz-retry-after': '250', 'retry-after': '7' }, retryAfterMs: 250 },
    { headers: { 'retry-after': 'Fri, 20 Nov 2026 10:00:00 GMT' }, retryAfterMs: null },
    { headers: { 'retry-after': '-1' }, retryAfterMs: null },
    { headers: {}, retryAfterMs: null },
  ])('a throttle with $headers: says to wait $retryAfterMs ms', ({ headers, retryAfterMs }) => {
    expect(classify(answered('ThrottlingException', 429, 'm', headers))).toMatchObject({
      retryAfterMs,
    });
  });

  it('a long message: is cut, because it may repeat the prompt', () => {
    const outcome = classify(answered('ValidationException', 400, 'p'.repeat(5_000)));
    expect(outcome.kind === 'not-billed' && outcome.failure.message.length).toBeLessThan(400);
  });

  it('a body that is not JSON: is not quoted', () => {
    const outcome = classify(answered('SyntaxError', 502, 'Unexpected token < in <html>secret'));
    expect(JSON.stringify(outcome)).not.toContain('secret');
  });
});

describe('classifyUnsent', () => {
  it('missing credentials: are for a person to bring', () => {
    const error = broken('Could not load credentials from any providers', {
      name: 'CredentialsProviderError',
    });
    expect(classifyUnsent(error)).toMatchObject({
      kind: 'not-billed',
      failure: { kind: 'access-denied' },
    });
  });

  it.each([new Error('the hold is stale'), 'text', null])(
    '%s: is not sent, and not billed',
    (error) => {
      expect(classifyUnsent(error)).toMatchObject({
        kind: 'not-billed',
        failure: { kind: 'not-sent' },
      });
    },
  );
});

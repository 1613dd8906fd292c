import { describe, expect, it } from 'vitest';
import { checkSignature } from '#simulator/signature.ts';
import { converse, post, request, signedHeaders, startBench } from './fixture.ts';

const now = Date.UTC(2026, 10, 20, 10, 0, 0);
const minuteMs = 60_000;

describe('checkSignature', () => {
  it.each([
    { name: 'signed now', signedMs: now },
    { name: 'signed 5 minutes ago', signedMs: now - 5 * minuteMs },
    { name: 'signed 5 minutes ahead', signedMs: now + 5 * minuteMs },
  ])('$name: is accepted', ({ signedMs }) => {
    expect(() => checkSignature(signedHeaders(new Date(signedMs)), now)).not.toThrow();
  });

  it.each([
    {
      name: 'signed 5 minutes and 1 second ago',
      headers: signedHeaders(new Date(now - 5 * minuteMs - 1_000)),
      type: 'InvalidSignatureException',
      message:
        'Signature expired: 20261120T095459Z is now earlier than 20261120T095500Z (20261120T100000Z - 5 min.)',
    },
    {
      name: 'signed 5 minutes and 1 second ahead',
      headers: signedHeaders(new Date(now + 5 * minuteMs + 1_000)),
      type: 'InvalidSignatureException',
      message:
        'Signature not yet current: 20261120T100501Z is still later than 20261120T100500Z (20261120T100000Z + 5 min.)',
    },
    {
      name: 'not signed',
      headers: {},
      type: 'MissingAuthenticationTokenException',
      message: 'Missing Authentication Token',
    },
    {
      name: 'signed without a date',
      headers: { authorization: signedHeaders(new Date(now))['authorization'] },
      type: 'InvalidSignatureException',
      message: 'does not match',
    },
    {
      name: 'signed in another form',
      headers: { authorization: 'Basic dXNlcjpwYXNz', 'x-amz-date': '20261120T100000Z' },
      type: 'InvalidSignatureException',
      message: 'does not match',
    },
  ])('$name: is a 403 that says so', ({ headers, type, message }) => {
    expect(() => checkSignature(headers, now)).toThrow(
      expect.objectContaining({ status: 403, type, message: expect.stringContaining(message) }),
    );
  });

  it('bearer token: is accepted at any age', () => {
    expect(() => checkSignature({ authorization: 'Bearer key-1' }, now)).not.toThrow();
  });
});

describe('a request with an old signature', () => {
  it('is refused and not billed, when the clock knob runs ahead', async () => {
    const bench = await startBench();
    await bench.put({ clockSkewMs: 5 * minuteMs + 30_000 });
    await expect(converse(bench.client('http1'))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
      message: expect.stringContaining('Signature expired'),
    });
    expect(await bench.get('/bill')).toMatchObject({ calls: 0 });
    await bench.close();
  });

  it('is refused, when it was signed by another clock than the injected one', async () => {
    const bench = await startBench({ now: () => now });
    const url = `${bench.url}/model/${request().modelId}/converse`;
    const body = JSON.stringify(request());
    const fresh = await post(url, body, signedHeaders(new Date(now)));
    const old = await post(url, body, signedHeaders(new Date(now - 6 * minuteMs)));
    expect([fresh.status, old.status]).toEqual([200, 403]);
    await bench.close();
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonErrorAt } from '#api/request.ts';
import { requestBytesMax } from '#domain/limits.ts';
import { createHarness, type Harness, postJob, problemOf } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.stop());

describe('who may call', () => {
  it.each([
    { host: 'localhost:8288', status: 200 },
    { host: 'LOCALHOST', status: 200 },
    { host: '127.0.0.1:1', status: 200 },
    { host: '[::1]:8288', status: 200 },
    { host: 'evil.example', status: 403 },
    { host: 'localhost.evil.example', status: 403 },
    { host: '127.0.0.1.nip.io:8288', status: 403 },
    { host: '192.168.1.5', status: 403 },
    { host: 'localhost:8288:1', status: 403 },
    { host: '', status: 403 },
  ])('host: "$host" is answered $status', async ({ host, status }) => {
    const answer = await harness.app.request('/healthz', { headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 403) expect((await problemOf(answer)).code).toBe('foreign_host');
  });

  it.each([
    { origin: 'http://localhost:3000', status: 200 },
    { origin: 'https://[::1]', status: 200 },
    { origin: 'https://evil.example', status: 403 },
    { origin: 'http://localhost.evil.example', status: 403 },
    { origin: 'http://localhost@evil.example', status: 403 },
    { origin: 'null', status: 403 },
    { origin: 'file://localhost', status: 403 },
  ])('origin: "$origin" is answered $status', async ({ origin, status }) => {
    const answer = await harness.app.request('/healthz', { headers: { origin } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('access-control-allow-origin')).toBe(null);
    if (status === 403) expect((await problemOf(answer)).code).toBe('foreign_origin');
  });

  it('origin: is checked before anything is stored', async () => {
    const answer = await harness.app.request('/v1/seeds', {
      method: 'POST',
      body: '{"a":1}\n',
      headers: { origin: 'https://evil.example' },
    });
    expect((await problemOf(answer)).code).toBe('foreign_origin');
  });
});

describe('addresses and methods', () => {
  it.each([
    { method: 'GET', path: '/v2/jobs', status: 404, code: 'not_found', allow: null },
    { method: 'GET', path: '/v1/jobs/', status: 404, code: 'not_found', allow: null },
    {
      method: 'DELETE',
      path: '/v1/jobs',
      status: 405,
      code: 'method_not_allowed',
      allow: 'POST, GET, HEAD',
    },
    {
      method: 'GET',
      path: '/v1/jobs/job_x/pause',
      status: 405,
      code: 'method_not_allowed',
      allow: 'POST',
    },
    {
      method: 'OPTIONS',
      path: '/v1/models',
      status: 405,
      code: 'method_not_allowed',
      allow: 'GET, HEAD',
    },
    { method: 'POST', path: '/openapiXjson', status: 404, code: 'not_found', allow: null },
    {
      method: 'PUT',
      path: '/v1/templates/tpl_0',
      status: 405,
      code: 'method_not_allowed',
      allow: 'GET, HEAD',
    },
  ])('$method $path: is answered $status', async ({ method, path, status, code, allow }) => {
    const answer = await harness.app.request(path, { method });
    expect(answer.headers.get('allow')).toBe(allow);
    expect([answer.status, (await problemOf(answer)).code]).toEqual([status, code]);
  });

  it.each([
    { path: '/v1/templates/tpl_00000000000000000000000000', code: 'template_unknown' },
    { path: '/v1/templates/x', code: 'template_unknown' },
    { path: '/v1/templates/x/document', code: 'template_unknown' },
    { path: '/v1/seeds/seeds_00000000000000000000000000', code: 'seeds_unknown' },
    { path: '/v1/seeds/%00', code: 'seeds_unknown' },
    { path: '/v1/jobs/job_00000000000000000000000000', code: 'job_not_found' },
    { path: `/v1/jobs/${'x'.repeat(5_000)}`, code: 'job_not_found' },
    { path: '/v1/jobs/x/events', code: 'job_not_found' },
    { path: '/v1/jobs/x/download', code: 'job_not_found' },
    { path: '/v1/jobs/x/download/manifest.json', code: 'job_not_found' },
    { path: '/docs/package.json', code: 'file_not_found' },
    { path: '/docs/__proto__', code: 'file_not_found' },
  ])('GET $path: is answered 404 as $code', async ({ path, code }) => {
    const answer = await harness.app.request(path);
    expect([answer.status, (await problemOf(answer)).code]).toEqual([404, code]);
  });

  it('HEAD: has the headers of GET and no body', async () => {
    const answer = await harness.app.request('/v1/models', { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });
});

describe('bodies', () => {
  it.each([
    { body: '{"records": 3,}', says: 'line 1, column 15 (position 14) is "}"' },
    { body: '{\n  "records": tree\n}', says: 'line 2, column 16' },
    { body: '{"limit": "0.5', says: 'the end of the body' },
    { body: '', says: 'the end of the body' },
    { body: 'hello', says: 'line 1, column 1 (position 0) is "hello"' },
    { body: "{'a': 1}", says: 'position 1' },
  ])('JSON: $body is refused with its place', async ({ body, says }) => {
    const answer = await postJob(harness, body);
    const problem = await problemOf(answer);
    expect([answer.status, problem.code]).toEqual([400, 'invalid_json']);
    expect(problem.detail).toContain(says);
  });

  it.each([
    { text: '[1, 2, x]', at: 7 },
    { text: `{"long": "${'x'.repeat(9_000)}", "a": nul}`, at: 9_021 },
    { text: '{"a": 1} {', at: 9 },
    { text: '{"a": -}', at: 7 },
    { text: '"\u0001"', at: 1 },
    { text: '[', at: 1 },
  ])('JSON: breaks at $at', ({ text, at }) => {
    expect(jsonErrorAt(text)).toBe(at);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])(
    'type: "%s" is refused',
    async (type) => {
      const answer = await harness.app.request('/v1/jobs', {
        method: 'POST',
        headers: { 'content-type': type, 'idempotency-key': 'k' },
        body: new TextEncoder().encode('{}'),
      });
      const problem = await problemOf(answer);
      expect([answer.status, problem.code]).toEqual([415, 'unsupported_media_type']);
      expect(problem.detail).toContain('application/json');
    },
  );

  it.each([
    { bytes: requestBytesMax, status: 422 },
    { bytes: requestBytesMax + 1, status: 413 },
  ])('body: of $bytes bytes is answered $status', async ({ bytes, status }) => {
    const body = `{"x":"${'y'.repeat(bytes - 8)}"}`;
    expect(body.length).toBe(bytes);
    const answer = await postJob(harness, body);
    expect(answer.status).toBe(status);
    await problemOf(answer);
  });

  it('body: is cut off where it gets too long, when its length is not announced', async () => {
    const piece = new TextEncoder().encode(' '.repeat(16 * 1024));
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        if (pulled > 1_000) controller.close();
        else controller.enqueue(piece);
      },
    });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' };
    const init = {
      method: 'POST',
      body,
      headers,
      duplex: 'half' as const,
    };
    const answer = await harness.app.request(new Request('http://localhost/v1/jobs', init));
    expect((await problemOf(answer)).code).toBe('body_too_large');
    expect(pulled).toBeLessThan(20);
  });

  it('fields: are refused in one line each and 20 at most, when a thousand are unknown', async () => {
    const body = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`field${at}`, at]));
    const problem = await problemOf(await postJob(harness, body));
    expect(problem.errors).toHaveLength(20);
  });

  it('fields: `__proto__` is an unknown field like any other', async () => {
    const problem = await problemOf(await postJob(harness, '{"__proto__": {"records": 3}}'));
    expect(problem.code).toBe('validation_failed');
    expect(problem.errors.map(({ pointer }) => pointer)).toContain('/records');
  });
});

describe('every answer', () => {
  it.each([
    { sent: 'my-request.1', kept: true },
    { sent: 'a b', kept: false },
    { sent: 'x'.repeat(65), kept: false },
  ])('request id: "$sent" is kept ($kept)', async ({ sent, kept }) => {
    const answer = await harness.app.request('/healthz', { headers: { 'x-request-id': sent } });
    const id = answer.headers.get('x-request-id');
    if (kept) expect(id).toBe(sent);
    else expect(id).toMatch(/^req_[0-9A-Z]{26}$/);
  });

  it.each(['/healthz', '/v1/jobs', '/nowhere'])(
    '%s: carries the headers that keep browsers out',
    async (path) => {
      const { headers } = await harness.app.request(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
    },
  );

  it('error: is logged with its cause and shown without it, when something breaks', async () => {
    const secret = 'disk /home/alice/.plot/plot.db is full';
    const jobs = { ...harness.store.jobs, list: () => Promise.reject(new Error(secret)) };
    const broken = await createHarness({ store: { ...harness.store, jobs } });
    const answer = await broken.app.request('/v1/jobs');
    await broken.stop();
    const problem = await problemOf(answer);
    expect([answer.status, problem.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(problem)).not.toContain('alice');
    const line = broken.logged.find(({ level }) => level === 'error');
    expect(line?.fields).toMatchObject({
      requestId: problem.request_id,
      err: expect.objectContaining({ message: secret }),
    });
  });

  it('log: has a line per request without its body', async () => {
    await postJob(harness, '{"limit": "a secret"}');
    expect(harness.logged.at(-1)).toMatchObject({
      level: 'info',
      fields: { method: 'POST', path: '/v1/jobs', status: 422 },
    });
    expect(JSON.stringify(harness.logged)).not.toContain('a secret');
  });
});

describe('health', () => {
  it.each([
    {
      of: 'all is well',
      isDown: false,
      status: 200,
      body: { status: 'ready', checks: { store: 'ok', temporal: 'ok' } },
    },
    {
      of: 'Temporal is down',
      isDown: true,
      status: 503,
      body: { status: 'not_ready', checks: { store: 'ok', temporal: 'failed' } },
    },
  ])('readyz: is $status, when $of; healthz is 200', async ({ isDown, status, body }) => {
    harness.workflows.isDown = isDown;
    const answer = await harness.app.request('/readyz');
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ ...body, provider: 'simulator' });
    expect((await harness.app.request('/healthz')).status).toBe(200);
    harness.workflows.isDown = false;
  });

  it('readyz: is 503, when the store does not answer', async () => {
    const jobs = { ...harness.store.jobs, list: () => Promise.reject(new Error('locked')) };
    const broken = await createHarness({ store: { ...harness.store, jobs } });
    const answer = await broken.app.request('/readyz');
    await broken.stop();
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ checks: { store: 'failed' } });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { templateBytesMax } from '#domain/limits.ts';
import { createHarness, filmTemplate, type Harness, problemOf, templateOf } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.stop());

function post(body: string, type: string | null = 'application/yaml'): Promise<Response> {
  const headers = type === null ? undefined : { 'content-type': type };
  return Promise.resolve(
    harness.app.request('/v1/templates', {
      method: 'POST',
      body: new TextEncoder().encode(body),
      ...(headers === undefined ? {} : { headers }),
    }),
  );
}

describe('POST /v1/templates', () => {
  it('template: is stored once, and is the same template the second time', async () => {
    const first = await post(filmTemplate);
    const second = await post(filmTemplate, 'text/yaml; charset=utf-8');
    expect([first.status, second.status]).toEqual([201, 200]);
    const body = await templateOf(first);
    expect(await templateOf(second)).toEqual(body);
    expect(body).toMatchObject({
      object: 'template',
      name: 'film-blurbs',
      steps: [
        { id: 'blurb', model: null, tier: 'cheap', max_tokens: 100, needs: [] },
        { id: 'verdict', model: 'amazon.nova-micro-v1:0', max_tokens: 50, needs: ['blurb'] },
      ],
      created_at: '2026-01-02T03:04:05.000Z',
    });
    expect(body.id).toBe(`tpl_${body.sha256.slice(0, 26)}`);
    expect(body.variables.map(({ path }) => path)).toEqual(['Title', 'Director']);
  });

  it('template: answers its document to the byte', async () => {
    const { id } = await templateOf(await post(filmTemplate));
    const shown = await harness.app.request(`/v1/templates/${id}`);
    expect(await shown.json()).toMatchObject({ id, name: 'film-blurbs' });
    const document = await harness.app.request(`/v1/templates/${id}/document`);
    expect(document.headers.get('content-type')).toBe('application/yaml; charset=utf-8');
    expect(await document.text()).toBe(filmTemplate);
  });

  it('template: may be JSON, which is YAML', async () => {
    const steps = [{ id: 'only', prompt: 'Say {{ Title }}.', max_tokens: 10 }];
    const answer = await post(
      JSON.stringify({ template: { name: 'json', steps } }),
      'application/json',
    );
    expect(answer.status).toBe(201);
  });

  it.each([
    { of: 'no steps', body: 'name: x\n', status: 422, code: 'template_invalid' },
    { of: 'not YAML', body: 'a: [1,\nb: }', status: 422, code: 'template_invalid' },
    { of: 'empty', body: '', status: 422, code: 'template_invalid' },
    {
      of: 'another type',
      body: 'x',
      type: 'text/plain',
      status: 415,
      code: 'unsupported_media_type',
    },
    { of: 'no type', body: 'x', type: null, status: 415, code: 'unsupported_media_type' },
    {
      of: 'one byte too long',
      body: 'x'.repeat(templateBytesMax + 1),
      status: 413,
      code: 'body_too_large',
    },
  ])('template: is refused with $code, when it is $of', async ({ body, type, status, code }) => {
    const answer = await post(body, type === undefined ? 'application/yaml' : type);
    const problem = await problemOf(answer);
    expect({ status: answer.status, code: problem.code }).toEqual({ status, code });
    if (code === 'template_invalid') expect(problem.errors[0]?.detail).not.toBe('');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { priceTable } from '#domain/pricing.ts';
import { bodyOf, createHarness, type Harness } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.stop());

const documentSchema = z.object({
  openapi: z.string(),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        summary: z.string(),
        tags: z.array(z.string()),
        responses: z.record(
          z.string(),
          z.looseObject({
            description: z.string().min(1),
            content: z.record(z.string(), z.unknown()).optional(),
          }),
        ),
      }),
    ),
  ),
});

async function document() {
  return documentSchema.parse(await (await harness.app.request('/openapi.json')).json());
}

describe('openapi.json', () => {
  it('routes: are all in the document, and nothing else is', async () => {
    const { openapi, paths } = await document();
    expect(openapi).toBe('3.1.0');
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = harness.app.routes
      .filter(({ method, path }) => !(method === 'ALL' && path === '/*'))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(served.length).toBeGreaterThan(20);
    expect([...new Set(served)].sort()).toEqual(documented.sort());
  });

  it('errors: are problems wherever they are documented, and every route has some', async () => {
    const { paths } = await document();
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        const errors = Object.entries(responses).filter(([status]) => Number(status) >= 400);
        expect(
          errors.map(([status]) => status),
          `${method} ${path}`,
        ).toContain('500');
        for (const [status, { content }] of errors) {
          // /readyz answers 503 with its checks: it is no error of the request.
          if (path === '/readyz' && status === '503') continue;
          expect(Object.keys(content ?? {}), `${method} ${path} ${status}`).toEqual([
            'application/problem+json',
          ]);
        }
      }
    }
  });

  it('schemas: name the fields of a job request with what is allowed', async () => {
    const text = await (await harness.app.request('/openapi.json')).text();
    const { components } = z
      .looseObject({ components: z.looseObject({ schemas: z.record(z.string(), z.any()) }) })
      .parse(JSON.parse(text));
    const { JobRequest } = components.schemas;
    expect(JobRequest.required.sort()).toEqual(['limit', 'records', 'seeds', 'template']);
    expect(JobRequest.additionalProperties).toBe(false);
    expect(JobRequest.properties.records).toMatchObject({ minimum: 1, maximum: 1_000_000 });
    expect(JobRequest.properties.limit.type).toBe('string');
    expect(Object.keys(components.schemas)).toEqual(
      expect.arrayContaining(['Job', 'JobList', 'Problem', 'SeedSet', 'Template']),
    );
  });
});

describe('docs', () => {
  it('page: runs scripts of this server alone, and every file it names is there', async () => {
    const page = await harness.app.request('/docs');
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(html).not.toMatch(/<script>|<style|https?:\/\/| on\w+=/);
    const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(files).toHaveLength(4);
    for (const file of files) {
      const answer = await harness.app.request(file);
      expect(answer.status, file).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^text\/(css|javascript)/);
    }
  });

  it('root: leads to the page', async () => {
    const answer = await harness.app.request('/');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/docs']);
  });
});

const modelList = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

describe('GET /v1/models', () => {
  it('models: have their prices per million tokens and their tier', async () => {
    const list = await bodyOf(await harness.app.request('/v1/models'), modelList);
    expect(list.data).toHaveLength(priceTable.length);
    const lite = list.data.find(({ id }) => id === 'amazon.nova-lite-v1:0');
    expect(lite).toMatchObject({
      input_usd_per_mtok: '0.06',
      output_usd_per_mtok: '0.24',
      tier: 'cheap',
    });
  });
});

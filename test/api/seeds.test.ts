import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedBytesMax, seedRowBytesMax } from '#domain/limits.ts';
import { createHarness, filmRows, type Harness, jsonl, problemOf, seedSetOf } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.stop());

async function post(
  body: string | ReadableStream<Uint8Array>,
  query = '',
  headers: Record<string, string> = {},
): Promise<Response> {
  const duplex = typeof body === 'string' ? {} : { duplex: 'half' as const };
  const request = new Request(`http://localhost/v1/seeds${query}`, {
    method: 'POST',
    body,
    headers,
    ...duplex,
  });
  return harness.app.request(request);
}

describe('POST /v1/seeds', () => {
  it('rows: are one seed set, whatever the format they came in', async () => {
    const first = await post(jsonl(filmRows));
    const second = await post(JSON.stringify(filmRows), '?format=json');
    expect([first.status, second.status]).toEqual([201, 200]);
    const set = await seedSetOf(first);
    expect(set).toMatchObject({
      object: 'seed_set',
      rows: 3,
      warnings: [],
      columns: [
        { name: 'Title', present: 3, nulls: 0, types: ['string'] },
        { name: 'Director', present: 3, nulls: 1, types: ['null', 'string'] },
      ],
    });
    expect((await seedSetOf(second)).id).toBe(set.id);
    const shown = await seedSetOf(await harness.app.request(`/v1/seeds/${set.id}`));
    expect({ ...shown, warnings: [] }).toEqual(set);
  });

  it.each([
    { of: 'empty', body: '', query: '', says: '' },
    { of: 'a text', body: 'just words', query: '?format=json', says: '' },
    { of: 'a broken line', body: '{"a":1}\n{"a":\n', query: '?format=jsonl', says: 'line 2' },
    { of: 'a list in a line', body: '[1]\n', query: '?format=jsonl', says: 'line 1' },
    { of: 'a CSV with two equal names', body: 'a,a\n1,2\n', query: '?format=csv', says: '"a"' },
  ])('seeds: are refused with their place, when they are $of', async ({ body, query, says }) => {
    const answer = await post(body, query);
    const problem = await problemOf(answer);
    expect([answer.status, problem.code]).toEqual([422, 'seeds_invalid']);
    expect(problem.errors[0]?.detail).toContain(says);
    expect(problem.errors[0]?.detail.length).toBeGreaterThan(10);
  });

  it('line: is refused where it passes the most allowed, when it has 1 GB', async () => {
    const piece = new TextEncoder().encode('x'.repeat(64 * 1024));
    let pulled = 0;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        if (pulled === 1) controller.enqueue(new TextEncoder().encode('{"a":"'));
        else if (pulled * piece.length < 1024 ** 3) controller.enqueue(piece);
        else controller.close();
      },
      cancel() {
        isCancelled = true;
      },
    });
    const problem = await problemOf(await post(body, '?format=jsonl'));
    expect(problem.code).toBe('seeds_invalid');
    expect(problem.errors[0]?.detail).toContain(String(seedRowBytesMax));
    // Read no further than it takes to know.
    expect(pulled * piece.length).toBeLessThan(2 * seedRowBytesMax);
    expect(isCancelled).toBe(true);
  });

  it('seeds: are refused unread, when they announce more than is allowed', async () => {
    const answer = await post('{}', '', { 'content-length': String(seedBytesMax + 1) });
    const problem = await problemOf(answer);
    expect([answer.status, problem.code]).toEqual([413, 'seeds_too_large']);
    expect(problem.detail).toContain(String(seedBytesMax + 1));
  });

  it.each([
    { query: '?format=xml', pointer: '/query/format', says: '"csv"' },
    { query: '?fromat=csv', pointer: '/query/fromat', says: '"format"' },
  ])('query: is refused, when it is $query', async ({ query, pointer, says }) => {
    const problem = await problemOf(await post('{}', query));
    expect([problem.code, problem.errors[0]?.pointer]).toEqual(['validation_failed', pointer]);
    expect(problem.errors[0]?.detail).toContain(says);
  });
});

import { readFileSync } from 'node:fs';
import type { JsonObject } from '#domain/json.ts';
import type { Prompts } from '#prompts/contract.ts';
import { createPrompts } from '#prompts/prompts.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestFor, textOf, valid } from './rendering.ts';

let prompts: Prompts;
beforeAll(async () => {
  prompts = await createPrompts();
});
afterAll(async () => {
  await prompts.close();
});

describe('examples', () => {
  const movies: JsonObject[] = JSON.parse(
    readFileSync(
      new URL('../../node_modules/vega-datasets/data/movies.json', import.meta.url),
      'utf8',
    ),
  );

  it('film-blurbs.yaml: renders both steps for every one of the 3,201 real rows', async () => {
    const document = readFileSync(
      new URL('../../examples/film-blurbs.yaml', import.meta.url),
      'utf8',
    );
    const { template, graph, warnings } = await valid(prompts, document);
    expect(warnings).toEqual([]);
    expect(graph).toEqual([
      { id: 'facts', needs: [] },
      { id: 'blurb', needs: ['facts'] },
    ]);
    const outcomes = await Promise.all(
      movies.flatMap((row, recordIndex) => [
        prompts.render(requestFor(template, row, { recordIndex, step: 'facts' })),
        prompts.render(
          requestFor(template, row, {
            recordIndex,
            step: 'blurb',
            outputs: { facts: 'Genre: drama.' },
          }),
        ),
      ]),
    );
    expect(outcomes).toHaveLength(6_402);
    expect(outcomes.filter(({ kind }) => kind !== 'rendered')).toEqual([]);
    // No hole of the table reaches a prompt.
    expect(
      outcomes.map(textOf).filter((text) => /\b(None|nan|undefined|null)\b/.test(text)),
    ).toEqual([]);
    expect(textOf(outcomes[0] ?? { kind: 'skipped' })).toContain(
      'Title: The Land Girls\nReleased: Jun 12 1998',
    );
  }, 30_000);

  it('support-replies.yaml: reviews only what is about money', async () => {
    const document = readFileSync(
      new URL('../../examples/support-replies.yaml', import.meta.url),
      'utf8',
    );
    const { template, variables } = await valid(prompts, document);
    const row = { product: 'Kettle', question: 'Where is my REFUND?' };
    const review = (question: string) =>
      prompts.render(
        requestFor(template, { ...row, question }, { step: 'review', outputs: { reply: 'ok' } }),
      );
    expect((await review('Where is my REFUND?')).kind).toBe('rendered');
    expect((await review('How do I open it?')).kind).toBe('skipped');
    expect(variables.filter(({ use }) => use === 'required').map(({ path }) => path)).toEqual([
      'product',
      'question',
    ]);
  });
});

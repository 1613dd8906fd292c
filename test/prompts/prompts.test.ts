import type { JsonObject } from '#domain/json.ts';
import type { Prompts } from '#prompts/contract.ts';
import { createPrompts } from '#prompts/prompts.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  documentOf,
  messageOf,
  problemsOf,
  requestFor,
  textOf,
  uncheckedRequest,
  valid,
} from './rendering.ts';

let prompts: Prompts;
beforeAll(async () => {
  prompts = await createPrompts();
});
afterAll(async () => {
  await prompts.close();
});

function unchecked(...request: Parameters<typeof uncheckedRequest>) {
  return prompts.render(uncheckedRequest(...request));
}

describe('render', () => {
  it('a step: gives prompt and system, from the row and the outputs before it', async () => {
    const { template } = await valid(
      prompts,
      documentOf(
        { prompt: '{{ name }}' },
        { prompt: '{{ steps.s0.output | upper }}', system: 'For {{ name }}.' },
      ),
    );
    const outcome = await prompts.render(
      requestFor(template, { name: 'Bo' }, { step: 's1', outputs: { s0: 'hi' } }),
    );
    expect(outcome).toEqual({ kind: 'rendered', prompt: 'HI', system: 'For Bo.' });
  });

  it.each([
    { when: 'n > 3', row: { n: 4 }, gives: 'rendered' },
    { when: 'n > 3', row: { n: 3 }, gives: 'skipped' },
    { when: 'missing', row: {}, gives: 'skipped' },
    { when: 'missing > 3', row: {}, gives: 'failed' },
    { when: "kind == 'a' and not done", row: { kind: 'a' }, gives: 'rendered' },
  ])('when "$when" with $row: $gives', async ({ when, row, gives }) => {
    const { template } = await valid(prompts, documentOf({ prompt: 'x', when }));
    expect((await prompts.render(requestFor(template, row))).kind).toBe(gives);
  });

  it.each([
    {
      prompt: 'a\n{{ author.name }}',
      row: { author: {} },
      says: "record 17, step 's0', line 2: 'author.name' is undefined",
    },
    {
      prompt: '{{ author.name.first }}',
      row: {},
      says: "'author.name.first' is undefined: there is no 'author'",
    },
    { prompt: '{% for t in tags %}{% endfor %}', row: {}, says: "line 1: 'tags' is undefined" },
    {
      prompt: '\n\n{{ name.upper() }}',
      row: { name: null },
      says: "line 3: 'name.upper' is undefined: a NoneType has no",
    },
    { prompt: '{{ rows[2].x }}', row: { rows: [] }, says: "'rows[2].x' is undefined" },
  ])(
    'an undefined value in $prompt: names the variable, step, line and record',
    async ({ prompt, row, says }) => {
      const message = messageOf(await unchecked(prompt, row));
      expect(message).toContain('undefined-variable: record 17');
      expect(message).toContain(says);
    },
  );

  it('the output of a skipped step: says that the step was skipped, and can be defaulted', async () => {
    const { template } = await valid(
      prompts,
      documentOf(
        { prompt: 'x', when: 'false' },
        { prompt: '{{ steps.s0.output }}' },
        { prompt: "{{ steps['s0'].output | default('none') }}" },
      ),
    );
    expect(messageOf(await prompts.render(requestFor(template, {}, { step: 's1' })))).toContain(
      "step 's0' was skipped",
    );
    expect(textOf(await prompts.render(requestFor(template, {}, { step: 's2' })))).toBe('none');
  });

  it.each([
    '{{ a }}',
    '{{ a.b.c }}',
    '{% for x in a.b %}x{% endfor %}',
    '{{ a | upper }}',
    '{{ [1][4] }}',
  ])('undefined mode "empty": %s prints nothing', async (prompt) => {
    expect(await unchecked(`<${prompt}>`, {}, { undefinedMode: 'empty' })).toMatchObject({
      prompt: '<>',
    });
  });

  it.each([
    { length: 200_000, gives: 'rendered' },
    { length: 200_001, gives: 'prompt-too-large' },
  ])('a text of $length characters: $gives', async ({ length, gives }) => {
    expect(messageOf(await unchecked('{{ x }}', { x: 'a'.repeat(length) }))).toContain(gives);
  });

  it('columns that are no names: are read through row', async () => {
    expect(
      await unchecked("{{ row['US Gross'] }}/{{ name }}", { 'US Gross': 5, name: 'a' }),
    ).toMatchObject({ prompt: '5/a' });
  });

  it('a row with keys of JavaScript: shows data only, and only its own', async () => {
    const row: JsonObject = JSON.parse('{"__proto__": {"x": 1}, "constructor": "mine", "d": {}}');
    expect(textOf(await unchecked('{{ constructor }}', row))).toBe('mine');
    expect(messageOf(await unchecked('{{ d.constructor }}', row))).toContain('undefined-variable');
    expect(messageOf(await unchecked("{{ d['__proto__'] }}", row))).toContain('undefined-variable');
    expect(messageOf(await unchecked('{{ x }}', row))).toContain('undefined-variable');
  });
});

describe('randomness', () => {
  const prompt = '{{ range(1000) | random }} {{ text | random_sentence }}';
  const row = { text: 'One. Two! Three? Four. Five. Six.' };

  it('the same job seed, record and step: the same text in any sandbox and order', async () => {
    const other = await createPrompts();
    const here = await unchecked(prompt, row);
    await unchecked(prompt, row, { recordIndex: 5 });
    const there = await other.render(uncheckedRequest(prompt, row));
    await other.close();
    expect(there).toEqual(here);
  });

  it('another record or job seed: another text', async () => {
    const texts = await Promise.all(
      [{}, { recordIndex: 18 }, { jobSeed: 43 }, { jobSeed: 42 + 2 ** 32 }].map((more) =>
        unchecked(prompt, row, more),
      ),
    );
    expect(new Set(texts.map(textOf)).size).toBe(4);
  });
});

describe('throughput', () => {
  it('5,000 renderings asked for at once: each answers its own record', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 5_000 }, (_, recordIndex) =>
        unchecked('{{ n }}', { n: recordIndex }, { recordIndex }),
      ),
    );
    expect(outcomes.map(textOf)).toEqual(outcomes.map((_, index) => String(index)));
  });

  it('more templates than are kept compiled: every one still renders', async () => {
    const texts = Array.from({ length: 150 }, (_, index) => `t${index} {{ 1 }}`);
    for (let round = 0; round < 2; round += 1) {
      const outcomes = await Promise.all(texts.map((text) => unchecked(text)));
      expect(outcomes.map(textOf)).toEqual(texts.map((_, index) => `t${index} 1`));
    }
  });

  it('after close: what waits is told so, and nothing new is taken', async () => {
    const closing = await createPrompts();
    const { template } = await valid(prompts, documentOf({ prompt: 'x' }));
    const waiting = closing.render(requestFor(template, {}));
    await closing.close();
    expect(messageOf(await waiting)).toContain('closed');
    await expect(closing.render(requestFor(template, {}))).rejects.toThrow('closed');
  });
});

describe('unknown problems', () => {
  it('a refused text: has its pointer, its line and the nearest name', async () => {
    const document = documentOf(
      { prompt: 'ok' },
      { prompt: 'a\n\n{{ x | uper }}', system: '{% include "x" %}' },
    );
    expect(await problemsOf(prompts, document)).toEqual([
      {
        pointer: '/steps/1/prompt',
        line: 3,
        detail: 'unknown filter "uper"; did you mean "upper"?',
      },
      {
        pointer: '/steps/1/system',
        line: 1,
        detail: expect.stringContaining('includes are not supported'),
      },
    ]);
  });
});

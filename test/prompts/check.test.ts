import type { Prompts } from '#prompts/contract.ts';
import { createPrompts } from '#prompts/prompts.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let prompts: Prompts;
beforeAll(async () => {
  prompts = await createPrompts();
});
afterAll(async () => {
  await prompts.close();
});

async function problemsOf(document: string): Promise<string[]> {
  const check = await prompts.check(document);
  return check.kind === 'invalid'
    ? check.problems.map(({ pointer, detail }) => `${pointer}: ${detail}`)
    : [];
}

function withStep(fields: object): string {
  return JSON.stringify({
    template: { name: 'test', steps: [{ id: 'a', prompt: 'x', ...fields }] },
  });
}

function withPrompts(...texts: string[]): string {
  return JSON.stringify({
    template: { name: 't', steps: texts.map((prompt, at) => ({ id: `s${at}`, prompt })) },
  });
}

describe('a template of the former service', () => {
  const document = `
template:
  id: my-template-v1
  name: "Story"
  description: "d"
  category: general
  version: 1
  is_public: false
  schema_requirements: [author.name, theme]
  steps:
    - id: outline
      model: meta.llama3-1-8b-instruct-v1:0
      prompt: |
        Theme: {{ theme }}
    - id: story
      model_tier: tier-3
      prompt: |
        {% if mood %}{{ mood }}{% endif %}
        {{ steps.outline.output }}
`;

  it('loads as it is, with defaults for what it did not know', async () => {
    const check = await prompts.check(document);
    expect(check).toMatchObject({
      kind: 'valid',
      template: {
        name: 'Story',
        steps: [
          {
            id: 'outline',
            model: 'meta.llama3-1-8b-instruct-v1:0',
            tier: 'cheap',
            maxTokens: 1000,
            system: null,
            stop: [],
          },
          {
            id: 'story',
            model: null,
            tier: 'premium',
            temperature: null,
            prompt: '{% if mood %}{{ mood }}{% endif %}\n{{ steps.outline.output }}\n',
          },
        ],
      },
      graph: [
        { id: 'outline', needs: [] },
        { id: 'story', needs: ['outline'] },
      ],
      variables: [
        { path: 'theme', step: 'outline', line: 1, use: 'required' },
        { path: 'mood', step: 'story', line: 1, use: 'optional' },
      ],
      warnings: [],
    });
  });
});

describe('fields', () => {
  it.each([
    { fields: { id: 'A_9' }, gives: [] },
    {
      fields: { id: 'a-b' },
      gives: ['/steps/0/id: "id" is "a-b"; allowed are 1 to 64 letters, digits and _'],
    },
    { fields: { id: 'a'.repeat(64) }, gives: [] },
    { fields: { id: 'a'.repeat(65) }, gives: [expect.stringContaining('/steps/0/id')] },
    { fields: { max_tokens: 1 }, gives: [] },
    {
      fields: { max_tokens: 0 },
      gives: ['/steps/0/max_tokens: "max_tokens" is 0; allowed are whole numbers from 1 to 32000'],
    },
    { fields: { max_tokens: 32_000 }, gives: [] },
    { fields: { max_tokens: 32_001 }, gives: [expect.stringContaining('is 32001')] },
    { fields: { max_tokens: 1.5 }, gives: [expect.stringContaining('is 1.5')] },
    {
      fields: { max_tokens: '10' },
      gives: ['/steps/0/max_tokens: "max_tokens" must be a whole number, not text (10)'],
    },
    { fields: { temperature: 1, top_p: 0 }, gives: [] },
    {
      fields: { temperature: 1.01 },
      gives: ['/steps/0/temperature: "temperature" is 1.01; allowed are 0 to 1'],
    },
    { fields: { top_p: -0.1 }, gives: ['/steps/0/top_p: "top_p" is -0.1; allowed are 0 to 1'] },
    { fields: { stop: ['a', 'b', 'c', 'd'] }, gives: [] },
    {
      fields: { stop: ['a', 'b', 'c', 'd', 'e'] },
      gives: ['/steps/0/stop: "stop" has 5 entries; allowed are 4'],
    },
    { fields: { stop: [''] }, gives: ['/steps/0/stop/0: "0" is empty'] },
    { fields: { model_tier: 'premium' }, gives: [] },
    {
      fields: { model_tier: 'tier-4' },
      gives: [expect.stringContaining('"model_tier" is "tier-4"; allowed are tier-1')],
    },
    {
      fields: { model: 'none' },
      gives: [expect.stringContaining('fragments for includes are not supported')],
    },
    {
      fields: { prompt: ' \n' },
      gives: ['/steps/0/prompt: "prompt" is empty; write what the model is asked'],
    },
    { fields: { prompt: 'a'.repeat(65_536) }, gives: [] },
    {
      fields: { prompt: 'a'.repeat(65_537) },
      gives: ['/steps/0/prompt: "prompt" has 65537 bytes; allowed are 65536'],
    },
    {
      fields: { maxtokens: 5 },
      gives: ['/steps/0/maxtokens: unknown field "maxtokens"; did you mean "max_tokens"?'],
    },
    {
      fields: { when: '' },
      gives: [expect.stringContaining('leave it out to run the step always')],
    },
    { fields: { when: '{{ x }}' }, gives: [expect.stringContaining('write it without {{ }}')] },
    {
      fields: { when: 'x ==' },
      gives: ['/steps/0/when: expected an expression, found the end of the text'],
    },
  ])('$fields: $gives', async ({ fields, gives }) => {
    expect(await problemsOf(withStep(fields))).toEqual(gives);
  });

  it.each([
    { document: '', says: 'must be a mapping with the key "template"' },
    {
      document: 'template: 5',
      says: '"template" must be a mapping with name and steps, not number (5)',
    },
    { document: 'template: {name: x}', says: '/steps: "steps" is missing' },
    { document: 'template: {name: x, steps: []}', says: '"steps" is empty' },
    { document: 'templat: {}', says: 'unknown field "templat"; did you mean "template"?' },
    { document: 'a: [1', says: 'not readable as YAML: line 1' },
    { document: 'a: &x [1]\nb: *x', says: 'line 2: aliases' },
    {
      document: 'template: {name: x, name: y, steps: []}',
      says: 'not readable as YAML: line 1: Map keys must be unique',
    },
    { document: `#${'x'.repeat(262_144)}`, says: 'allowed are 262144' },
    {
      // Twenty seconds of work: the reader's time grows with the square of the keys.
      document: Array.from({ length: 50_000 }, (_, at) => `${at.toString(36)}:`).join('\n'),
      says: 'not read within 3 s',
    },
    { document: '['.repeat(100_000), says: 'not readable as YAML' },
  ])('$document.length bytes of document: $says', async ({ document, says }) => {
    expect((await problemsOf(document)).join('\n')).toContain(says);
  });

  it.each([
    { count: 20, problems: 0 },
    { count: 21, problems: 1 },
  ])('$count steps: $problems problems', async ({ count, problems }) => {
    const texts = Array.from({ length: count }, () => 'x');
    expect(await problemsOf(withPrompts(...texts))).toHaveLength(problems);
  });

  it('two steps of one id: refused at the second', async () => {
    const steps = [
      { id: 'a', prompt: 'x' },
      { id: 'a', prompt: 'y' },
    ];
    expect(await problemsOf(JSON.stringify({ template: { name: 't', steps } }))).toEqual([
      '/steps/1/id: "id" is "a", as in step 1; ids are unique',
    ]);
  });
});

describe('steps', () => {
  it.each([
    {
      texts: ['{{ steps.s1.output }}', '{{ steps.s0.output }}'],
      says: 'steps wait for each other: s0 needs s1 needs s0',
    },
    { texts: ['{{ steps.s0.output }}'], says: 'reads its own output' },
    { texts: ['{{ steps.s9.output }}'], says: 'there is no step "s9"' },
    { texts: ['x', "{{ steps['s0'].output }}"], says: '' },
    { texts: ['x', '{{ steps[name].output }}'], says: 'needs a fixed id' },
    { texts: ['x', '{{ steps.s0.text }}'], says: 'a step has only "output"' },
    { texts: ['x', '{{ steps.s0.output.upper() }}{{ steps.s0.output[:5] }}'], says: '' },
  ])('$texts: $says', async ({ texts, says }) => {
    const problems = await problemsOf(withPrompts(...texts));
    expect(problems.join('\n')).toContain(says);
    expect(problems.length > 0).toBe(says !== '');
  });

  it('steps.x without .output: is allowed in a condition, with a warning', async () => {
    const check = await prompts.check(withPrompts('x', '{% if steps.s0 %}y{% endif %}'));
    expect(check).toMatchObject({
      kind: 'valid',
      warnings: [expect.stringContaining('write steps.s0.output')],
    });
  });
});

describe('variables', () => {
  it.each([
    { text: '{{ a }}', gives: ['a!'] },
    { text: '{{ a.b.c }}', gives: ['a.b.c!'] },
    { text: "{{ a['b'].c }}", gives: ['a.b.c!'] },
    { text: '{{ a[0].b }}', gives: ['a!'] },
    { text: '{{ a[k] }}', gives: ['a!', 'k!'] },
    { text: "{{ row['US Gross'] }}", gives: ['US Gross!'] },
    { text: '{{ a.upper() }}', gives: ['a!'] },
    { text: '{{ a | default(b) }}', gives: ['a', 'b'] },
    { text: '{{ a or b }}', gives: ['a', 'b'] },
    { text: '{{ a if b else c }}', gives: ['a', 'b', 'c'] },
    { text: '{{ a is defined }}', gives: ['a'] },
    { text: '{% if a %}{{ b }}{% elif c %}{{ d }}{% endif %}', gives: ['a', 'b', 'c', 'd'] },
    { text: '{% if a > 3 %}{% endif %}', gives: ['a!'] },
    { text: "{% if a == 'x' %}{% endif %}", gives: ['a'] },
    { text: '{% for x in a %}{{ x }}{{ b }}{{ loop.index }}{% endfor %}', gives: ['a!', 'b'] },
    { text: '{% for x in a if x > c %}{% endfor %}', gives: ['a!', 'c'] },
    { text: '{% set x = a %}{{ x }}', gives: ['a'] },
    { text: '{% set x = a | upper %}', gives: ['a!'] },
    { text: '{{ x }}{% set x = 1 %}', gives: ['x!'] },
    { text: '{% if a %}{% set x = 1 %}{% endif %}{{ x }}', gives: ['a'] },
    { text: '{% macro m(p, q=z) %}{{ p }}{{ g }}{% endmacro %}{{ m(a) }}', gives: ['a', 'g', 'z'] },
    { text: '{% with x = a %}{{ x }}{{ b }}{% endwith %}', gives: ['a', 'b!'] },
    { text: '{{ range(a) | list }}', gives: ['a!'] },
    { text: '{{ a }}{{ a }}', gives: ['a!'] },
    { text: '{% if 1 %}{{ a }}{% endif %}{{ a }}', gives: ['a!'] },
    { text: '{{ loop.index }}', gives: ['loop.index!'] },
    { text: '{% filter upper %}{{ a }}{% endfilter %}', gives: ['a!'] },
    { text: "{{ [a, b] | join(c) ~ {'k': d} }}", gives: ['a!', 'b!', 'c!', 'd!'] },
  ])('$text reads: $gives', async ({ text, gives }) => {
    const check = await prompts.check(withPrompts(text));
    const found = check.kind === 'valid' ? check.variables : [];
    expect(found.map(({ path, use }) => path + (use === 'required' ? '!' : '')).sort()).toEqual(
      gives,
    );
  });

  it('a step with a condition: requires nothing, and its line is that of the first use', async () => {
    const check = await prompts.check(withStep({ when: 'go', prompt: '\n{{ a }}' }));
    expect(check).toMatchObject({
      variables: [
        { path: 'go', line: 1, use: 'optional' },
        { path: 'a', line: 2, use: 'optional' },
      ],
    });
  });
});

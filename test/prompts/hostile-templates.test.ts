import type { Prompts } from '#prompts/contract.ts';
import { createPrompts } from '#prompts/prompts.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, messageOf, textOf, uncheckedRequest } from './rendering.ts';

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

describe('hostile templates', () => {
  const attacks = [
    { name: 'constructor escape', prompt: '{{ range.constructor("return process")() }}' },
    {
      name: 'endless loop',
      prompt: '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
    },
    {
      name: 'doubling text',
      prompt:
        '{% set n = namespace(x="x" * 1000000) %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}',
    },
    { name: 'repeated text', prompt: '{{ ("x" * 2000000) * 1000 }}' },
    { name: 'endless recursion', prompt: '{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}' },
    { name: 'list within itself', prompt: '{% set l = [] %}{% set _ = l.append(l) %}{{ l }}' },
    { name: 'regular expression', prompt: `{{ "${'a'.repeat(30)}!" | replace(r/(a+)+$/, "x") }}` },
    { name: 'deep parentheses', prompt: `{{ ${'('.repeat(10_000)}1${')'.repeat(10_000)} }}` },
    { name: 'deep tags', prompt: '{% if a %}'.repeat(6_000) },
    { name: 'long filter chain', prompt: `{{ x${'|upper'.repeat(9_000)} }}` },
    { name: 'long attribute chain', prompt: `{{ x${'.a'.repeat(30_000)} }}` },
    { name: 'long sum', prompt: `{{ 1${'+1'.repeat(30_000)} }}` },
    { name: 'many signs', prompt: `{{ ${'-'.repeat(30_000)}1 }}` },
    {
      name: 'long passes over long texts',
      prompt:
        '{% set x = "ab" * 900000 %}{% for i in range(1000) %}{% set y = x.replace("a","c") %}{% endfor %}',
    },
    { name: 'huge width', prompt: '{{ "%1000000000d" % 3 }}' },
    { name: 'huge power', prompt: '{{ 10 ** 10000 }}' },
  ];

  it.each(attacks)(
    '$name: is refused or fails cleanly, and rendering goes on',
    async ({ prompt }) => {
      await prompts.check(documentOf({ prompt }));
      const outcome = await unchecked(prompt);
      expect(messageOf(outcome)).toMatch(
        /^(template-error|render-limit|undefined-variable): record 17/,
      );
      expect(textOf(await unchecked('{{ 1 + 1 }}'))).toBe('2');
    },
  );

  it('an attack among others: fails alone, the rest of its batch renders', async () => {
    const bomb = attacks[1]?.prompt ?? '';
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        unchecked(index === 15 ? bomb : '{{ n }}', { n: index }),
      ),
    );
    expect(
      outcomes.map(({ kind }, index) => (kind === 'failed' ? index : -1)).filter((at) => at >= 0),
    ).toEqual([15]);
  });

  it.each([
    'process',
    'require',
    'fetch',
    'globalThis',
    'Date',
    'console',
    'eval',
    'Function',
    'setTimeout',
  ])('%s: does not exist in a template', async (name) => {
    expect(messageOf(await unchecked(`{{ ${name} }}`))).toContain(`'${name}' is undefined`);
  });

  it('any chain of attributes from any value: prints data or fails, never a function or the host', async () => {
    const roots = fc.constantFrom(
      's',
      'n',
      'l',
      'd',
      'range',
      'dict',
      'loop',
      "''",
      '[]',
      '{}',
      '(1,)',
      'steps',
    );
    const names = fc.constantFrom(
      'constructor',
      '__proto__',
      'prototype',
      'call',
      'apply',
      'bind',
      'toString',
      'valueOf',
      'get',
      'items',
      '__class__',
      '__mro__',
      'upper',
      'map',
      'length',
      'hasOwnProperty',
      '__defineGetter__',
      'return process',
    );
    const link = fc.tuple(names, fc.constantFrom('.', '[]', '()', '|attr')).map(([name, form]) => {
      if (form === '[]') return `["${name}"]`;
      if (form === '|attr') return `|map(attribute="${name}")|first`;
      return `.${name.replace(' ', '_')}${form === '()' ? '("return process")' : ''}`;
    });
    const template = fc.tuple(roots, fc.array(link, { minLength: 1, maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(template, async ([root, links]) => {
        const text = textOf(
          await unchecked(`{{ ${root}${links.join('')} }}`, { s: 'x', n: 1, l: [1], d: { a: 1 } }),
        );
        expect(text).not.toMatch(/\[object|native code|function ?\(|=>|\[Function/);
      }),
      { numRuns: 300 },
    );
  });
});

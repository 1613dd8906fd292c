import { readFileSync } from 'node:fs';
import { analyseText, compileStep } from '#prompts/jinja/engine.ts';
import { expect, it } from 'vitest';
import { z } from 'zod';

/**
 * Every row was run through real Jinja2 by jinja_reference.py, which wrote what it prints. A row is either the
 * same here or refused by name; nothing differs silently.
 */
const rows = z
  .array(
    z.object({
      template: z.string(),
      seed: z.record(z.string(), z.json()),
      expected: z.string().optional(),
      fails: z.enum(['undefined-variable', 'template-error']).optional(),
      refused: z.string().optional(),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('./jinja-table.json', import.meta.url), 'utf8')));

function problemsIn(template: string): string[] {
  const analysis = analyseText('prompt', template);
  return 'syntax' in analysis ? [analysis.syntax] : analysis.problems.map(({ detail }) => detail);
}

function printed(template: string, seed: unknown) {
  const render = compileStep({ prompt: template, system: null, when: null });
  const result = render({
    row: JSON.parse(JSON.stringify(seed)),
    outputs: {},
    jobSeed: 1,
    recordIndex: 0,
    step: 'a',
    mode: 'error',
    charactersMax: 100_000,
  });
  if (result.kind === 'skipped') throw new Error('a step without `when` was skipped');
  return result.kind === 'rendered' ? { expected: result.prompt } : { fails: result.failure };
}

it('the table: holds every idiom that templates are known to use', () => {
  expect(rows.length).toBeGreaterThan(800);
});

it.each(rows.filter(({ refused }) => refused !== undefined))(
  'refused at validation: $template',
  ({ template, refused }) => {
    expect(problemsIn(template).join('\n')).toContain(refused);
  },
);

it.each(rows.filter(({ refused }) => refused === undefined))(
  'same as Jinja2: $template',
  ({ template, seed, expected, fails }) => {
    expect(problemsIn(template)).toEqual([]);
    expect(printed(template, seed)).toEqual(expected === undefined ? { fails } : { expected });
  },
);

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answerOf, inputTokensOf } from '#simulator/answer.ts';
import type { ModelCall } from '#simulator/model-call.ts';
import { findModel } from '#simulator/models.ts';
import { randomFrom } from '#simulator/random.ts';
import { valueFor } from '#simulator/schema-json.ts';
import { firstTokens, tokensOf } from '#simulator/tokens.ts';
import { nova } from './fixture.ts';

function call(over: Partial<ModelCall> = {}): ModelCall {
  const prompt = over.prompt ?? 'Review the novel "Middlemarch" by George Eliot.';
  return {
    operation: 'Converse',
    model: nova,
    system: '',
    conversation: prompt,
    prompt,
    maxTokens: 400,
    temperature: null,
    topP: null,
    hasTopK: false,
    stop: [],
    wanted: { kind: 'text' },
    hasTextFormat: false,
    hasStrictTool: false,
    definitionBytes: 0,
    metadata: {},
    ...over,
  };
}

function answer(over: Partial<ModelCall> = {}) {
  const asked = call(over);
  return answerOf(asked, findModel(asked.model));
}

function text(over: Partial<ModelCall> = {}): string {
  const { content } = answer(over);
  return content.kind === 'text' ? content.text : JSON.stringify(content.input);
}

describe('answerOf', () => {
  it('gives the same answer to the same call, whoever pays for it', () => {
    expect(answer({ metadata: { pp_hold: 'job_B/000001/2' } })).toEqual(answer());
    expect(text({ operation: 'ConverseStream' })).toBe(text());
  });

  it.each<[string, Partial<ModelCall>]>([
    ['model', { model: 'amazon.nova-pro-v1:0' }],
    ['system prompt', { system: 'You are a critic.' }],
    ['prompt', { prompt: 'Review the novel "Middlemarch" by George Eliot!' }],
    ['temperature', { temperature: 0.5 }],
    ['maxTokens', { maxTokens: 401 }],
  ])('gives another answer, when the %s is another', (_, over) => {
    expect(text(over)).not.toBe(text());
  });

  it('keeps its words for ever: datasets made from them are compared by digest', () => {
    expect(text({ prompt: 'Describe "Metropolis" in one sentence.' })).toMatchInlineSnapshot(
      `"The balance is quiet, the pattern is kinder than before, and Metropolis holds them together."`,
    );
  });

  it('speaks about what the prompt names', () => {
    expect(text()).toMatch(/Middlemarch|George Eliot/);
  });

  it('is short enough for usual limits, and varies in length', () => {
    const lengths = Array.from({ length: 500 }, (_, index) =>
      tokensOf(text({ prompt: `Write about the city "Number ${index}".` })),
    );
    expect(Math.max(...lengths)).toBeLessThan(200);
    expect(new Set(lengths).size).toBeGreaterThan(50);
  });

  it.each([
    ['Write one sentence about Oslo.', 1],
    ['Write 3 sentences about Oslo.', 3],
    ['Write two short sentences about Oslo.', 2],
  ])('%s: is taken at its word', (prompt, count) => {
    expect(text({ prompt }).match(/\.(?= |$)/g)).toHaveLength(count);
  });

  it('is cut at maxTokens and says so, on both sides of the edge', () => {
    const prompt = 'Write one sentence about Oslo.';
    const whole = text({ prompt, maxTokens: 1_000 });
    const needed = tokensOf(whole);
    for (let maxTokens = 1; maxTokens < needed + 20; maxTokens += 1) {
      // Each limit is another request with another text, so which of the two it is depends on the text.
      const { stopReason, outputTokens } = answer({ prompt, maxTokens });
      const isCut = stopReason === 'max_tokens' && outputTokens === maxTokens;
      const isWhole = stopReason === 'end_turn' && outputTokens <= maxTokens;
      expect(isCut || isWhole, `${stopReason} ${outputTokens} of ${maxTokens}`).toBe(true);
    }
    expect(answer({ prompt, maxTokens: 1 }).stopReason).toBe('max_tokens');
  });

  it('ends before the first stop sequence, and says so', () => {
    const whole = text();
    const stopped = answer({ stop: ['zzz', '.'] });
    expect(whole).toContain('.');
    expect(stopped.stopReason).toBe('stop_sequence');
    expect(JSON.stringify(stopped.content)).not.toContain('.');
    expect(answer({ stop: ['zzz'] }).stopReason).toBe('end_turn');
  });

  it('counts at least one and at most as many input tokens as bytes', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (prompt) => {
        const tokens = inputTokensOf(call({ prompt, conversation: prompt }));
        expect(tokens).toBeGreaterThanOrEqual(1);
        expect(tokens).toBeLessThanOrEqual(Buffer.byteLength(prompt));
      }),
    );
  });

  it('answers any prompt whatever its characters, within maxTokens', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.integer({ min: 1, max: 200 }),
        (prompt, maxTokens) => {
          const given = answer({ prompt, conversation: prompt, maxTokens });
          expect(given.outputTokens).toBeGreaterThanOrEqual(1);
          expect(given.outputTokens).toBeLessThanOrEqual(maxTokens);
        },
      ),
    );
  });
});

describe('firstTokens', () => {
  it('never cuts a character in two', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 20 }), (whole, tokens) => {
        const cut = firstTokens(whole, tokens);
        expect(whole.startsWith(cut)).toBe(true);
        expect(cut).not.toContain('\ufffd');
        expect(tokensOf(cut)).toBeLessThanOrEqual(tokens);
      }),
    );
  });
});

describe('a JSON schema or a forced tool', () => {
  const shape = z.strictObject({
    title: z.string().min(3).max(20),
    stars: z.int().min(1).max(5),
    score: z.number().min(0).max(1),
    isKept: z.boolean(),
    genre: z.enum(['drama', 'comedy']),
    kind: z.literal('film'),
    tags: z.array(z.string()).min(2).max(4),
    day: z.iso.date(),
    maker: z.strictObject({ name: z.string(), born: z.union([z.int(), z.null()]) }),
  });
  const schema = z.toJSONSchema(shape);
  const seeds = Array.from({ length: 200 }, (_, index) => `Review film number ${index}.`);

  it.each(seeds.slice(0, 3))('json: is what the schema accepts, for "%s"', (prompt) => {
    const json = text({ prompt, maxTokens: 4_000, wanted: { kind: 'json', schema } });
    expect(shape.safeParse(JSON.parse(json)).error).toBeUndefined();
  });

  it('valueFor: is what the schema accepts, for 200 prompts', () => {
    for (const prompt of seeds) {
      const value = valueFor(schema, prompt, randomFrom(prompt));
      expect(shape.safeParse(value).error, prompt).toBeUndefined();
    }
  });

  it('valueFor: follows internal references, and ends a recursive schema', () => {
    const tree = {
      $defs: {
        node: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
          },
          required: ['name', 'next'],
        },
      },
      $ref: '#/$defs/node',
    };
    for (const prompt of seeds) {
      const value = JSON.stringify(valueFor(tree, prompt, randomFrom(prompt)));
      expect(value).toMatch(/"next":null/);
    }
  });

  it('tool: gives the input and the stop reason of a tool call', () => {
    const given = answer({ maxTokens: 4_000, wanted: { kind: 'tool', name: 'emit', schema } });
    expect(given.stopReason).toBe('tool_use');
    expect(given.content).toMatchObject({ kind: 'tool', name: 'emit' });
    expect(
      shape.safeParse(
        JSON.parse(text({ maxTokens: 4_000, wanted: { kind: 'tool', name: 'emit', schema } })),
      ).success,
    ).toBe(true);
  });

  it('json: is torn, when maxTokens is too small for it', () => {
    const given = answer({ maxTokens: 5, wanted: { kind: 'json', schema } });
    expect(given).toMatchObject({ stopReason: 'max_tokens', outputTokens: 5 });
  });
});

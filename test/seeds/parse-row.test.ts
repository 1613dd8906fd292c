import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRow } from '#seeds/parse-row.ts';

/** JSON.parse as the judge, or the word that it throws. */
function judged(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'broken';
  }
}

function isRightlyBroken(detail: string, judgement: unknown): boolean {
  return judgement === 'broken' || detail.startsWith('Duplicate key');
}

describe('parseRow', () => {
  const marks = fc.constantFrom(...'{}[]",:\\u0123456789abtrfn-+.eE \t\n\u0001é'.split(''));
  const edited = fc
    .tuple(
      fc.json({ maxDepth: 3 }),
      fc.nat(),
      fc.nat({ max: 2 }),
      fc.string({ unit: marks, maxLength: 3 }),
    )
    .map(([text, place, cut, extra]) => {
      const at = place % (text.length + 1);
      return `{"k":${text.slice(0, at)}${extra}${text.slice(at + cut)}}`;
    });

  it('agrees with JSON.parse on what is JSON and what it says, but for duplicate keys', () => {
    let good = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          edited,
          fc.json({ maxDepth: 3 }).map((text) => `{"k":${text}}`),
        ),
        (text) => {
          const parsed = parseRow(text, 100);
          const expected = judged(text);
          if (parsed.kind === 'broken') return isRightlyBroken(parsed.detail, expected);
          good += 1;
          if (expected === 'broken') return false;
          // Long numbers are kept as texts on purpose, -0 prints as 0: compare what is left.
          if (/\d{16}|-0|e[+]?\d/i.test(text) || parsed.dropped.length > 0) return true;
          return isDeepStrictEqual(parsed.row, expected);
        },
      ),
      { numRuns: 3_000 },
    );
    expect(good).toBeGreaterThan(300);
  });

  it('a string of a million backslashes is read in one pass', () => {
    const inside = '\\\\'.repeat(500_000);
    const parsed = parseRow(`{"a":"${inside}"}`, 32);
    expect(parsed).toMatchObject({ kind: 'row', row: { a: '\\'.repeat(500_000) } });
  });

  it.each([
    ['{"a":1,}', 0, '"}"'],
    ['{"a"\n:\n}', 2, '"}"'],
    ['{"a":01}', 0, '"1}"'],
    ['{"a":-}', 0, '"-}"'],
    ['{"a":nul}', 0, '"nul}"'],
    ['{"a":NaN}', 0, '"NaN}"'],
    ['{"a":1', 0, 'the end of the row'],
  ])('%j: the error is on its line and shows what was seen', (text, line, seen) => {
    const parsed = parseRow(text, 32);
    expect(parsed).toMatchObject({ kind: 'broken', line });
    expect(parsed.kind === 'broken' && parsed.detail).toContain(`found ${seen}`);
  });
});

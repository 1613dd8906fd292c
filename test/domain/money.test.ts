import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, formatUsd, larger, parseUsd, pico, smaller, subtract, usd } from '#domain/money.ts';

describe('parseUsd', () => {
  it.each([
    ['0', 0n],
    ['5', 5_000_000_000_000n],
    ['0.50', 500_000_000_000n],
    ['0.1', 100_000_000_000n],
    ['00.5', 500_000_000_000n],
    ['0.000000000001', 1n],
    ['0.000043190000', 43_190_000n],
    ['999999999999.999999999999', 999_999_999_999_999_999_999_999n],
  ])('parse: "%s" is %d pUSD', (text, amount) => {
    expect(parseUsd(text)).toEqual({ kind: 'parsed', amount });
  });

  it.each([
    ['', 'must be digits'],
    ['-1', 'must be digits'],
    ['+1', 'must be digits'],
    ['0.1e3', 'must be digits'],
    ['1e3', 'must be digits'],
    ['.5', 'must be digits'],
    ['5.', 'must be digits'],
    ['1.2.3', 'must be digits'],
    ['1,000', 'must be digits'],
    [' 1', 'must be digits'],
    ['1\n', 'must be digits'],
    ['١', 'must be digits'],
    ['0x10', 'must be digits'],
    ['NaN', 'must be digits'],
    ['Infinity', 'must be digits'],
    ['0.0000000000001', 'at most 12 digits after the point'],
    ['0.1000000000000', 'at most 12 digits after the point'],
    ['1000000000000', 'at most 12 digits before the point'],
  ])('parse: "%s" is refused and never rounded, because it %s', (text, reason) => {
    const parsed = parseUsd(text);
    expect(parsed).toEqual({ kind: 'invalid', reason: expect.stringContaining(reason) });
    expect(parsed).toEqual({ kind: 'invalid', reason: expect.stringContaining(`"${text}"`) });
  });

  it('parse: shows the beginning only, when the text is long', () => {
    const parsed = parseUsd('x'.repeat(10_000));
    expect(parsed).toMatchObject({ kind: 'invalid' });
    expect(JSON.stringify(parsed).length).toBeLessThan(200);
  });
});

describe('formatUsd', () => {
  it.each([
    [0n, '0.00'],
    [1n, '0.000000000001'],
    [500_000_000_000n, '0.50'],
    [5_000_000_000_000n, '5.00'],
    [1_234_500_000_000n, '1.2345'],
    [120_000_000_000_000n, '120.00'],
    [-1n, '-0.000000000001'],
    [-1_500_000_000_000n, '-1.50'],
  ])('format: %d pUSD is "%s"', (amount, text) => {
    expect(formatUsd(pico(amount))).toBe(text);
  });

  it('format: reads back as the same amount, whatever it is', () => {
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 24n) + 1n, 10n ** 24n - 1n), (amount) => {
        expect(usd(formatUsd(pico(amount)))).toBe(amount);
      }),
    );
  });

  it('format: is what was parsed but for zeros, whatever the digits are', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(digits, digits, (whole, fraction) => {
        const text = `${whole.join('')}.${fraction.join('')}`;
        const formatted = formatUsd(usd(text));
        expect(Number(formatted)).toBe(Number(text));
        expect(formatted).toMatch(/^(0|[1-9]\d*)\.\d{2,12}$/);
        expect(usd(formatted)).toBe(usd(text));
      }),
    );
  });
});

describe('usd', () => {
  it.each(['', 'x', '--1', '1e3'])('usd: throws, when trusted text is "%s"', (text) => {
    expect(() => usd(text)).toThrow('is not an amount in USD');
  });
});

describe('arithmetic', () => {
  it.each([
    [1n, 2n],
    [2n, 2n],
    [-3n, 2n],
  ])('arithmetic: exact and ordered for %d and %d', (a, b) => {
    expect(add(pico(a), pico(b))).toBe(a + b);
    expect(subtract(pico(a), pico(b))).toBe(a - b);
    expect(smaller(pico(a), pico(b))).toBe(a);
    expect(larger(pico(a), pico(b))).toBe(b);
  });

  it('add: of nothing is zero', () => {
    expect(add()).toBe(0n);
  });
});

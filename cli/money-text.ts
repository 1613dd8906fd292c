import { usd, type UsdText } from '#domain/money.ts';

const picoPerUsd = 10n ** 12n;

/**
 * An amount for people, rounded half up: two digits after the point from $1 on, four below, and
 * "<$0.0001" for what is less than that and not nothing. Exact amounts are in --json and the manifest.
 */
export function shortUsd(text: UsdText): string {
  const amount = usd(text);
  if (amount === 0n) return '$0.00';
  const digits = amount >= picoPerUsd ? 2 : 4;
  const unit = picoPerUsd / 10n ** BigInt(digits);
  const rounded = (amount + unit / 2n) / unit;
  if (rounded === 0n) return '<$0.0001';
  const whole = rounded / 10n ** BigInt(digits);
  const fraction = (rounded % 10n ** BigInt(digits)).toString().padStart(digits, '0');
  const shortest = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `$${whole.toLocaleString('en-US')}.${shortest}`;
}

/**
 * Money as exact integers. The unit is the pico-dollar (pUSD, 10^-12 USD): a price of integer
 * micro-dollars per million tokens is the same number as pUSD per token, so no cost ever rounds.
 */
declare const picoUsd: unique symbol;

/** An exact amount in pico-dollars (10^-12 USD). Made by `pico`, `parseUsd` and the functions here. */
export type PicoUsd = bigint & { readonly [picoUsd]: true };

/** An amount in USD as a decimal string with 2 to 12 fraction digits, as JSON carries it: "0.0123". */
export type UsdText = string;

export const fractionDigitsMax = 12;
const picoPerUsd = 10n ** 12n;
/** One trillion dollars: a longer number is a typing mistake, and bounds the digits we parse. */
const wholeDigitsMax = 12;

export const zero = 0n as PicoUsd;

/** The bigint as an amount of pico-dollars. */
export function pico(amount: bigint): PicoUsd {
  return amount as PicoUsd;
}

export function add(...amounts: PicoUsd[]): PicoUsd {
  return pico(amounts.reduce<bigint>((sum, amount) => sum + amount, 0n));
}

export function subtract(from: PicoUsd, amount: PicoUsd): PicoUsd {
  return pico(from - amount);
}

export function smaller(a: PicoUsd, b: PicoUsd): PicoUsd {
  return a < b ? a : b;
}

export function larger(a: PicoUsd, b: PicoUsd): PicoUsd {
  return a > b ? a : b;
}

export type ParsedUsd = { kind: 'parsed'; amount: PicoUsd } | { kind: 'invalid'; reason: string };

/**
 * Reads a non-negative decimal amount in USD ("5", "0.50", "0.000043190000"). Exponents, signs,
 * thousands separators and more than 12 fraction digits are refused with the reason, never rounded.
 */
export function parseUsd(text: string): ParsedUsd {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) {
    return invalidUsd(text, 'it must be digits with at most one point, such as "0.50"');
  }
  const whole = match[1] ?? '';
  const fraction = match[2] ?? '';
  if (whole.length > wholeDigitsMax) {
    return invalidUsd(text, `at most ${wholeDigitsMax} digits before the point are allowed`);
  }
  if (fraction.length > fractionDigitsMax) {
    return invalidUsd(text, `at most ${fractionDigitsMax} digits after the point are allowed`);
  }
  const fractionPico = BigInt(fraction.padEnd(fractionDigitsMax, '0'));
  return { kind: 'parsed', amount: pico(BigInt(whole) * picoPerUsd + fractionPico) };
}

function invalidUsd(text: string, rule: string): ParsedUsd {
  const seen = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return { kind: 'invalid', reason: `"${seen}" is not an amount in USD: ${rule}` };
}

/** The amount that trusted text stands for (our own stores and messages); throws on anything else. */
export function usd(text: UsdText): PicoUsd {
  const isNegative = text.startsWith('-');
  const parsed = parseUsd(isNegative ? text.slice(1) : text);
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  return isNegative ? pico(-parsed.amount) : parsed.amount;
}

/** The amount as an exact decimal string in USD: at least 2 fraction digits, no trailing zeros after. */
export function formatUsd(amount: PicoUsd): UsdText {
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(fractionDigitsMax + 1, '0');
  const whole = digits.slice(0, -fractionDigitsMax);
  const fraction = digits.slice(-fractionDigitsMax).replace(/0+$/, '').padEnd(2, '0');
  return `${sign}${whole}.${fraction}`;
}

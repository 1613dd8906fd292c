import {
  Callable,
  Dict,
  dictEntries,
  Float,
  isDict,
  Lazy,
  Namespace,
  Range,
  Tuple,
  Undefined,
  type UndefinedHandling,
  undefinedProblem,
  type Value,
  View,
  wrong,
} from './values.ts';

/** The text that Python's str() gives: what `{{ value }}` prints. */
export function textOf(value: Value, mode: UndefinedHandling): string {
  if (typeof value === 'string') return value;
  if (value instanceof Undefined) {
    if (mode === 'empty' || value.isBlank) return '';
    throw undefinedProblem(value);
  }
  return reprOf(value, mode);
}

/** The text that Python's repr() gives: how values look inside a printed list or dict. */
export function reprOf(value: Value, mode: UndefinedHandling): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Float) return floatText(value.number);
  if (value instanceof Undefined) return textOf(value, mode);
  const inner = (item: Value) => reprOf(item, mode);
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`;
  if (value instanceof Tuple) {
    const items = value.items.map(inner);
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
  }
  if (value instanceof View) return `dict_${value.kind}([${value.items.map(inner).join(', ')}])`;
  if (value instanceof Range) return rangeText(value);
  if (value instanceof Dict || isDict(value)) {
    const pairs = dictEntries(value).map(([key, item]) => `${inner(key)}: ${inner(item)}`);
    return `{${pairs.join(', ')}}`;
  }
  throw wrong(whyNotPrinted(value));
}

function rangeText({ start, stop, step }: Range): string {
  return step === 1 ? `range(${start}, ${stop})` : `range(${start}, ${stop}, ${step})`;
}

/** Jinja2 would print an object's address here, which is never what a prompt should say. */
function whyNotPrinted(value: Lazy | Namespace | Callable): string {
  if (value instanceof Lazy) return 'a generator cannot be printed; add "| list" or "| join"';
  if (value instanceof Callable) {
    return `"${value.label}" is a function and was not called; add (), or write ['${value.label}'] for the field of that name`;
  }
  return `a ${value.label} cannot be printed; print one of its attributes`;
}

function numberText(value: number): string {
  if (!Number.isInteger(value)) return floatText(value);
  if (Number.isSafeInteger(value)) return String(value);
  throw wrong(
    `${value} is beyond 9007199254740991, where whole numbers lose digits; keep it as text in the seed row`,
  );
}

/** Python's shortest text of a float: exponents below 1e-4 and from 1e16, ".0" on whole numbers. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '0', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'"\n\r\t]|[\p{C}\p{Z}]/gu, (char) => {
    if (char === ' ') return char;
    if (char === "'" || char === '"') return char === quote ? `\\${char}` : char;
    return escapes[char] ?? hexEscape(char);
  });
  return quote + body + quote;
}

const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function hexEscape(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/**
 * The number with `digits` decimals, rounded as Python does: to the nearest, exact halves to even. toFixed
 * is exact too but takes exact halves away from zero.
 */
export function fixedText(value: number, digits: number): string {
  if (digits > 50) throw wrong(`${digits} decimals are more than the 50 allowed`);
  if (!Number.isFinite(value)) return floatText(value);
  if (Math.abs(value) >= 1e21) throw wrong(`${value} is too large to print with decimals`);
  const text = Math.abs(value).toFixed(digits);
  const exact = Math.abs(value).toFixed(Math.min(100, digits + 50));
  const rest = exact.slice(exact.indexOf('.') + 1 + digits);
  const isTie = /^50*$/.test(rest) && Number(exact) === Math.abs(value);
  const isOdd = Number(text[text.length - 1]) % 2 === 1;
  const rounded = isTie && isOdd ? lowered(text) : text;
  return (value < 0 || Object.is(value, -0) ? '-' : '') + rounded;
}

/** One unit less in the last place; the last digit is odd, so nothing is borrowed. */
function lowered(text: string): string {
  return text.slice(0, -1) + String(Number(text[text.length - 1]) - 1);
}

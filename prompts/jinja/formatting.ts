import { between, lengthOf } from './code-points.ts';
import { isFloat, numberOf } from './numbers.ts';
import { fixedText, reprOf, textOf } from './printing.ts';
import {
  dictGet,
  isDict,
  type NamedValues,
  Tuple,
  typeName,
  Undefined,
  type UndefinedHandling,
  undefinedProblem,
  type Value,
  wrong,
} from './values.ts';

/** Widths are bounded so that a format cannot make a text longer than any prompt. */
const widthMax = 10_000;

/** `"%s has %d" % (a, b)`, and what the format filter does. */
export function percentFormat(format: string, operand: Value, mode: UndefinedHandling): string {
  const values = operand instanceof Tuple ? operand.items : [operand];
  let used = 0;
  const next = () => {
    const value = values[used];
    used += 1;
    if (value === undefined) throw wrong(`not enough values for the format "${format}"`);
    return value;
  };
  const pattern = /%(?:\(([^)]*)\))?([-+ 0#]*)(\d*)(?:\.(\d+))?([\s\S]?)/g;
  const text = format.replace(pattern, (whole, ...groups: (string | undefined)[]) => {
    if (whole === '%%') return '%';
    const [key, flags = '', width = '', precision, type = ''] = groups;
    const value = key === undefined ? next() : namedOperand(operand, key);
    return percentValue(value, { flags, width, precision, type, whole }, mode);
  });
  if (used < values.length && !(isDict(operand) && used === 0)) {
    throw wrong(`more values than the format "${format}" takes`);
  }
  return text;
}

function namedOperand(operand: Value, key: string): Value {
  const value = isDict(operand) ? dictGet(operand, key) : undefined;
  if (value === undefined) throw wrong(`the format needs a value named "${key}"`);
  return value;
}

interface Directive {
  flags: string;
  width: string;
  precision: string | undefined;
  type: string;
  whole: string;
}

function percentValue(value: Value, directive: Directive, mode: UndefinedHandling): string {
  const { flags, precision, type } = directive;
  if (value instanceof Undefined && mode === 'error') throw undefinedProblem(value);
  if (type === 's' || type === 'r') {
    const text = type === 's' ? textOf(value, mode) : reprOf(value, mode);
    return padded(precision === undefined ? text : between(text, 0, Number(precision)), directive);
  }
  const number = numberOf(value);
  if (number === null) throw wrong(`"${directive.whole}" needs a number, not ${typeName(value)}`);
  const digits = magnitudeText(number, type, precision, directive.whole);
  const sign = number < 0 ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return padded(digits, directive, sign);
}

function magnitudeText(
  number: number,
  type: string,
  precision: string | undefined,
  whole: string,
): string {
  const size = Math.abs(number);
  switch (type) {
    case 'd':
    case 'i':
      return String(Math.trunc(size)).padStart(Number(precision ?? 0), '0');
    case 'f':
    case 'F':
      return fixedText(size, Number(precision ?? 6));
    case 'x':
      return Math.trunc(size).toString(16);
    case 'X':
      return Math.trunc(size).toString(16).toUpperCase();
    case 'o':
      return Math.trunc(size).toString(8);
    case 'e':
      return size.toExponential(Number(precision ?? 6)).replace(/e([+-])(\d)$/, 'e$10$2');
    default:
      throw wrong(`"${whole}" is not a supported format; known are %s %r %d %i %f %e %x %X %o %%`);
  }
}

function padded(text: string, { flags, width }: Directive, sign = ''): string {
  const missing = checkedWidth(width) - lengthOf(text) - sign.length;
  if (missing <= 0) return sign + text;
  if (flags.includes('-')) return sign + text + ' '.repeat(missing);
  const isZeroFilled = flags.includes('0') && /^[\da-fA-F]/.test(text);
  return isZeroFilled ? sign + '0'.repeat(missing) + text : ' '.repeat(missing) + sign + text;
}

function checkedWidth(width: string): number {
  if (Number(width) <= widthMax) return Number(width);
  throw wrong(`a width of ${width} is more than the ${widthMax} allowed`);
}

/** `"{} and {name:>5}".format(...)`. */
export function braceFormat(
  format: string,
  args: readonly Value[],
  named: NamedValues,
  mode: UndefinedHandling,
): string {
  let automatic = 0;
  return format.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, field: string | undefined) => {
    if (whole === '{{' || whole === '}}') return whole.charAt(0);
    const parts = /^(\w*)(?:!([rs]))?(?::([\s\S]*))?$/.exec(field ?? '{');
    if (parts === null) throw wrong(`"${whole}" is not a supported field of format`);
    const [, name = '', conversion, spec = ''] = parts;
    const value = /^\d*$/.test(name)
      ? args[name === '' ? automatic++ : Number(name)]
      : named.get(name);
    if (value === undefined) throw wrong(`format has no value for "${whole}"`);
    if (value instanceof Undefined && mode === 'error') throw undefinedProblem(value);
    if (conversion !== undefined) {
      return specText(conversion === 'r' ? reprOf(value, mode) : textOf(value, mode), spec, mode);
    }
    return specText(value, spec, mode);
  });
}

function specText(value: Value, spec: string, mode: UndefinedHandling): string {
  const parts = /^(?:(.)?([<>=^]))?([-+ ]?)(0?)(\d*)([,_]?)(?:\.(\d+))?([sdfFexXob%]?)$/su.exec(
    spec,
  );
  if (parts === null) throw wrong(`"${spec}" is not a supported format`);
  const [, fill, align, sign = '', zero, width = '', group = '', precision, type = ''] = parts;
  const number = typeof value === 'boolean' && type === '' ? null : numberOf(value);
  const body =
    number === null
      ? [textSpec(value, precision, type, mode), '']
      : [numberSpec(value, number, { type, precision, group }), signText(number, sign)];
  const [text = '', signed = ''] = body;
  const missing = checkedWidth(width) - lengthOf(text) - signed.length;
  if (missing <= 0) return signed + text;
  const filler = fill ?? (zero === '0' ? '0' : ' ');
  const side = align ?? (zero === '0' ? '=' : number === null ? '<' : '>');
  if (side === '=') return signed + filler.repeat(missing) + text;
  const left = side === '>' ? missing : side === '^' ? Math.floor(missing / 2) : 0;
  return filler.repeat(left) + signed + text + filler.repeat(missing - left);
}

function signText(number: number, sign: string): string {
  return number < 0 ? '-' : sign === '-' ? '' : sign;
}

function textSpec(
  value: Value,
  precision: string | undefined,
  type: string,
  mode: UndefinedHandling,
): string {
  if (type !== '' && type !== 's')
    throw wrong(`format "${type}" needs a number, not ${typeName(value)}`);
  const text = textOf(value, mode);
  return precision === undefined ? text : between(text, 0, Number(precision));
}

interface NumberSpec {
  type: string;
  precision: string | undefined;
  group: string;
}

function numberSpec(value: Value, number: number, spec: NumberSpec): string {
  const { type, precision, group } = spec;
  const size = Math.abs(number);
  if (type === 's') throw wrong('format "s" needs a text, not a number');
  if (type === '' && precision !== undefined) {
    throw wrong('a precision needs a type: write for instance "{:.2f}"');
  }
  const isWhole = 'dxXob'.includes(type);
  if (type !== '' && isWhole && isFloat(value))
    throw wrong(`format "${type}" needs a whole number`);
  const text = numberText(value, size, spec);
  if (group === '') return text;
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, group);
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

function numberText(value: Value, size: number, { type, precision }: NumberSpec): string {
  if (type === '') return textOf(value, 'error').replace(/^-/, '');
  if (type === '%') return `${fixedText(size * 100, Number(precision ?? 6))}%`;
  if (type === 'b') return size.toString(2);
  return magnitudeText(size, type, precision, `:${type}`);
}

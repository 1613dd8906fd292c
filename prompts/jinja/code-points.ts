/**
 * Python counts characters, JavaScript counts UTF-16 units: one emoji has length 1 there and 2 here. Texts
 * without such characters, nearly all, are handled as they are.
 */
export function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text);
}

export function lengthOf(text: string): number {
  return hasSurrogates(text) ? Array.from(text).length : text.length;
}

/** The text between two character positions, both within the text. */
export function between(text: string, start: number, stop: number): string {
  return hasSurrogates(text)
    ? Array.from(text).slice(start, stop).join('')
    : text.slice(start, stop);
}

/** The character position of a UTF-16 position. */
export function positionOf(text: string, unit: number): number {
  return unit < 0 ? unit : lengthOf(text.slice(0, unit));
}

/** -1, 0 or 1 by the order of code points. */
export function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  if (!hasSurrogates(left) && !hasSurrogates(right)) return left < right ? -1 : 1;
  const [a, b] = [Array.from(left), Array.from(right)];
  const at = a.findIndex((char, index) => char !== b[index]);
  if (at === -1) return -1;
  return (a[at]?.codePointAt(0) ?? -1) < (b[at]?.codePointAt(0) ?? -1) ? -1 : 1;
}

export function truncated(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

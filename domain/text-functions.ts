import type { Prng } from './prng.ts';

/**
 * The four functions that templates have beside Jinja2's own. Each keeps the meaning it had in the
 * templates people bring along; only the randomness is now seeded.
 */

/** One sentence of the text, chosen by the stream, without its end mark; the whole text if it has none. */
export function randomSentence(text: string, random: Prng): string {
  const sentences = text
    .split(/[.!?]+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
  return sentences[random.below(sentences.length)] ?? text;
}

/** The writing styles whose words occur in the text, in a fixed order; "general" if none does. */
export function writingStyle(text: string): string {
  const words = new Set(wordsOf(text));
  const hits = styles.filter(([, signs]) => signs.some((sign) => words.has(sign)));
  return hits.length === 0 ? 'general' : hits.map(([style]) => style).join(', ');
}

const styles: readonly (readonly [string, readonly string[]])[] = [
  ['poetic', ['poet', 'poetry', 'verse', 'lyrical']],
  ['narrative', ['story', 'narrative', 'tale', 'chronicle']],
  ['descriptive', ['describe', 'vivid', 'detailed']],
  ['minimalist', ['minimal', 'sparse', 'concise', 'brief']],
  ['verbose', ['elaborate', 'detailed', 'extensive']],
  ['dramatic', ['drama', 'theatrical', 'intense']],
];

/** The text within `tokens` tokens at four characters each, cut at a space and marked with "...". */
export function truncateTokens(text: string, tokens: number): string {
  const limit = tokens * charactersPerToken;
  // Never more characters than UTF-16 units: most texts need no counting.
  if (text.length <= limit) return text;
  const characters = isAscii(text) ? text : Array.from(text);
  if (characters.length <= limit) return text;
  const cut =
    typeof characters === 'string' ? text.slice(0, limit) : characters.slice(0, limit).join('');
  const lastSpace = cut.lastIndexOf(' ');
  return `${lastSpace > 0 ? cut.slice(0, lastSpace) : cut}...`;
}

const charactersPerToken = 4;

/** The most frequent words of more than 3 letters that are not stop words; ties in order of appearance. */
export function extractKeywords(text: string, count: number): string[] {
  const frequency = new Map<string, number>();
  for (const word of wordsOf(text)) {
    if (isShort(word) || stopWords.has(word)) continue;
    frequency.set(word, (frequency.get(word) ?? 0) + 1);
  }
  return [...frequency]
    .sort(([, first], [, second]) => second - first)
    .slice(0, count)
    .map(([word]) => word);
}

/** Forty common English words: they say nothing about a text. */
export const stopWords: ReadonlySet<string> = new Set(
  (
    'a an and are as at be but by for from had has have he her his in is it ' +
    'of on or she that the their they this to was were which will with would you your about what'
  ).split(' '),
);

/** At most 3 characters. A word of 4 units and more can only be short if it has characters of two units. */
function isShort(word: string): boolean {
  return word.length <= 3 || (word.length <= 6 && Array.from(word).length <= 3);
}

function wordsOf(text: string): string[] {
  const lower = text.toLowerCase();
  // The pattern for all alphabets costs the sandbox's engine several times as much.
  return lower.match(isAscii(lower) ? /\w+/g : /[\p{L}\p{N}\p{M}_]+/gu) ?? [];
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

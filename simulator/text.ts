import { notTopics, sentences, words } from './phrases.ts';
import type { Random } from './random.ts';
import { between, pick } from './random.ts';

/** Of a long prompt only its end is looked at: that is where templates put the seed's own words. */
const scannedMax = 4_000;
const topicsMax = 8;
const sentencesMax = 12;

/** A few sentences about what the prompt names. The same prompt and random stream give the same text. */
export function textAbout(prompt: string, random: Random): string {
  const topics = topicsOf(prompt);
  const count = sentencesAsked(prompt) ?? between(random, 2, 5);
  const said: string[] = [];
  let pattern = between(random, 0, sentences.length - 1);
  for (let index = 0; index < count; index += 1) {
    said.push(sentenceFrom(sentences[pattern % sentences.length] ?? sentences[0], topics, random));
    // 7 and the number of patterns have no common divisor: no pattern twice before all are used.
    pattern += 7;
  }
  return said.join(' ');
}

/** One or two words that the prompt names, for a field of a JSON answer. */
export function phraseAbout(prompt: string, random: Random): string {
  const topics = topicsOf(prompt);
  return random() < 0.5
    ? pick(random, topics)
    : `${pick(random, words.a)} ${pick(random, words.n)}`;
}

/** Quoted texts, then names, then long words; never empty. */
export function topicsOf(prompt: string): readonly string[] {
  const scanned = prompt.slice(-scannedMax);
  const quoted = [...scanned.matchAll(/["“]([^"“”\n]{2,60})["”]/g)].map((match) => match[1] ?? '');
  const names = scanned.match(/\p{Lu}[\p{L}\p{N}'’-]+(?: \p{Lu}[\p{L}\p{N}'’-]+)*/gu) ?? [];
  const found = [...quoted, ...names.map(withoutInstruction)].filter((name) => name.length > 1);
  const topics = [...new Set(found)].slice(0, topicsMax);
  if (topics.length > 0) return topics;
  const long = scanned.match(/\p{L}{6,}/gu) ?? [];
  return long.length > 0 ? [...new Set(long)].slice(-topicsMax) : ['this'];
}

function withoutInstruction(name: string): string {
  const parts = name.split(' ');
  while (parts[0] !== undefined && notTopics.has(parts[0])) parts.shift();
  return parts.join(' ');
}

const numberWords = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

function sentencesAsked(prompt: string): number | null {
  const match = /\b(\d{1,2}|single|[a-z]{3,5}) (?:short )?sentences?\b/i.exec(prompt);
  const asked = match?.[1]?.toLowerCase();
  if (asked === undefined) return null;
  const count =
    asked === 'single' ? 1 : /^\d/.test(asked) ? Number(asked) : numberWords.indexOf(asked);
  return count >= 1 ? Math.min(count, sentencesMax) : null;
}

function sentenceFrom(pattern: string, topics: readonly string[], random: Random): string {
  const at = between(random, 0, topics.length - 1);
  const topic = topics[at] ?? 'this';
  const other =
    topics.length === 1
      ? `the ${pick(random, words.n)}`
      : (topics[(at + between(random, 1, topics.length - 1)) % topics.length] ?? topic);
  const filled = pattern.replace(/\{(\w+)\}/g, (_, slot: string) => {
    if (slot === 'T') return topic;
    return slot === 'U' ? other : wordFor(slot, random);
  });
  return capitalised(filled);
}

function wordFor(slot: string, random: Random): string {
  switch (slot) {
    case 'a':
      return pick(random, words.a);
    case 'aa':
      return withArticle(pick(random, words.a));
    case 'c':
      return pick(random, words.c);
    case 'n':
      return pick(random, words.n);
    case 'p':
      return pick(random, words.p);
    case 't':
      return pick(random, words.t);
    default:
      throw new Error(`A sentence asks for {${slot}}, which is not a kind of word.`);
  }
}

function withArticle(word: string): string {
  return /^[aeiou]|^honest/.test(word) ? `an ${word}` : `a ${word}`;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

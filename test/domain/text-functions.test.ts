import { nearestName } from '#domain/nearest-name.ts';
import { prng } from '#domain/prng.ts';
import {
  extractKeywords,
  randomSentence,
  stopWords,
  truncateTokens,
  writingStyle,
} from '#domain/text-functions.ts';
import { describe, expect, it } from 'vitest';

describe('randomSentence', () => {
  it.each([
    { text: 'One. Two! Three? ', among: ['One', 'Two', 'Three'] },
    { text: 'Wait... what?!', among: ['Wait', 'what'] },
    { text: 'no end mark', among: ['no end mark'] },
    { text: '...', among: ['...'] },
    { text: '', among: [''] },
  ])('"$text": one of $among, each of them at times', ({ text, among }) => {
    const seen = new Set(
      Array.from({ length: 60 }, (_, index) => randomSentence(text, prng(1, index, 's'))),
    );
    expect([...seen].sort()).toEqual([...among].sort());
  });
});

describe('writingStyle', () => {
  it.each([
    { text: '', style: 'general' },
    { text: 'A cookbook', style: 'general' },
    { text: 'A STORY in verse', style: 'poetic, narrative' },
    { text: 'detailed', style: 'descriptive, verbose' },
    { text: 'storyteller, poets, dramatic', style: 'general' },
    { text: 'intense, brief tale', style: 'narrative, minimalist, dramatic' },
  ])('"$text": $style', ({ text, style }) => {
    expect(writingStyle(text)).toBe(style);
  });
});

describe('truncateTokens', () => {
  it.each([
    { text: 'abcd', tokens: 1, gives: 'abcd' },
    { text: 'abcde', tokens: 1, gives: 'abcd...' },
    { text: 'one two three', tokens: 2, gives: 'one two...' },
    { text: ' bcdefgh', tokens: 1, gives: ' bcd...' },
    { text: 'x', tokens: 0, gives: '...' },
    { text: '', tokens: 0, gives: '' },
    { text: '😀😀😀😀😀', tokens: 1, gives: '😀😀😀😀...' },
  ])('"$text" to $tokens tokens: "$gives"', ({ text, tokens, gives }) => {
    expect(truncateTokens(text, tokens)).toBe(gives);
  });
});

describe('extractKeywords', () => {
  it.each([
    { text: 'Cats and dogs; dogs and cats. Birds!', count: 5, gives: ['cats', 'dogs', 'birds'] },
    { text: 'alpha beta beta gamma gamma gamma', count: 2, gives: ['gamma', 'beta'] },
    { text: 'the from with which that cat', count: 5, gives: [] },
    { text: 'Ünïcode Ünïcode café', count: 5, gives: ['ünïcode', 'café'] },
    { text: 'x', count: 0, gives: [] },
  ])('"$text", $count: $gives', ({ text, count, gives }) => {
    expect(extractKeywords(text, count)).toEqual(gives);
  });

  it('stop words: are forty', () => {
    expect(stopWords.size).toBe(40);
  });
});

describe('nearestName', () => {
  it.each([
    { wrong: 'promt', gives: 'prompt' },
    { wrong: 'PROMPT', gives: 'prompt' },
    { wrong: 'sytsem', gives: 'system' },
    { wrong: 'temperatur', gives: 'temperature' },
    { wrong: 'colour', gives: null },
    { wrong: 'x', gives: null },
  ])('$wrong: $gives', ({ wrong, gives }) => {
    expect(nearestName(wrong, ['prompt', 'system', 'temperature', 'id'])).toBe(gives);
  });
});

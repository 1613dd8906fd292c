import { stepGraph, type StepReference } from '#domain/step-graph.ts';
import { describe, expect, it } from 'vitest';

function references(...pairs: string[]): StepReference[] {
  return pairs.map((pair, index) => {
    const [from = '', to = ''] = pair.split('>');
    return { from, to, text: 'prompt', line: index + 1 };
  });
}

function summary(ids: string, ...pairs: string[]): string {
  const graph = stepGraph(ids.split(''), references(...pairs));
  if (graph.kind === 'ordered') return graph.order.join('');
  return graph.problems.map(({ reference, detail }) => `${reference.line}: ${detail}`).join('\n');
}

describe('stepGraph', () => {
  it.each([
    { ids: 'a', pairs: [], gives: 'a' },
    { ids: 'abc', pairs: [], gives: 'abc' },
    { ids: 'abc', pairs: ['a>c'], gives: 'bca' },
    { ids: 'abc', pairs: ['a>b', 'b>c'], gives: 'cba' },
    { ids: 'abcd', pairs: ['b>a', 'c>a', 'd>b', 'd>c', 'd>c'], gives: 'abcd' },
    {
      ids: 'ab',
      pairs: ['a>a'],
      gives: '1: step "a" reads its own output, which does not exist before it ran',
    },
    { ids: 'ab', pairs: ['a>b', 'b>a'], gives: '1: steps wait for each other: a needs b needs a' },
    {
      ids: 'abcd',
      pairs: ['a>b', 'b>c', 'c>d', 'd>b'],
      gives: '2: steps wait for each other: b needs c needs d needs b',
    },
    { ids: 'ab', pairs: ['b>a', 'a>zzz'], gives: '2: there is no step "zzz"; steps are a, b' },
  ])('$ids with $pairs: $gives', ({ ids, pairs, gives }) => {
    expect(summary(ids, ...pairs)).toBe(gives);
  });

  it('needs: each step once, in the order of the template', () => {
    const graph = stepGraph(['a', 'b', 'c'], references('c>b', 'c>a', 'c>b'));
    expect(graph.kind === 'ordered' && graph.nodes[2]).toEqual({ id: 'c', needs: ['a', 'b'] });
  });

  it('a near miss: is named', () => {
    const graph = stepGraph(['outline', 'story'], references('story>outlin'));
    expect(graph.kind === 'invalid' && graph.problems[0]?.detail).toContain(
      'did you mean "outline"?',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { breach, oneByThree, twoBatches, twoByTwo } from './configs.ts';
import { mutants } from './mutants.ts';
import { realRules } from './rules.ts';
import { search } from './search.ts';

const minutesMs = 5 * 60_000;

describe('money protocol', () => {
  // Fewer states than these would mean that events were lost from the search, not that it got better.
  it.each([
    { config: twoByTwo, statesMin: 170_000 },
    { config: oneByThree, statesMin: 60_000 },
    { config: twoBatches, statesMin: 110_000 },
    { config: breach, statesMin: 40_000 },
  ])(
    'limit: holds in every order of events, when searched over $config.name',
    ({ config, statesMin }) => {
      const result = search(config, realRules);
      expect(result).toMatchObject({ kind: 'exhausted' });
      expect(result.states).toBeGreaterThan(statesMin);
    },
    minutesMs,
  );

  it.each(mutants)(
    'search: finds a broken promise, when $mistake ($name)',
    ({ config, rules }) => {
      const result = search(config, rules);
      expect(result).toMatchObject({ kind: 'violated', trace: expect.any(Array) });
    },
    minutesMs,
  );

  it('search: finds the same shortest trace, when it runs again', () => {
    const [mutant] = mutants.filter(({ name }) => name === 'fence-from-answer');
    const runs = [1, 2].map(() => mutant && search(mutant.config, mutant.rules));
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).toMatchObject({ kind: 'violated' });
  });

  it('mutants: each has its own name, and there are enough of them', () => {
    const names = mutants.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(30);
  });
});

import { describe, expect, it } from 'vitest';
import { faultNames, runChaos } from './run-chaos.ts';

/** The short form: every fault once, over three seeds. `npm run chaos` goes on for as long as it is asked to. */
const rounds = [
  {
    seed: 1,
    planned: [
      'worker killed',
      'throttle storm',
      'lost answers',
      'journal: bit flipped',
      'part: end lost',
      'clock moved by an hour',
      'manifest: bit flipped',
      'usage above the bound',
    ],
  },
  {
    seed: 2,
    planned: [
      'both workers killed',
      'Temporal killed',
      'API killed',
      'worker asleep',
      'useless answers',
      'journal: end lost',
      'seed chunk: bit flipped',
    ],
  },
  {
    seed: 3,
    planned: [
      'worker drained',
      'provider killed',
      'broken answers',
      'part: bit flipped',
      'disk full',
      'manifest: end lost',
      'seed chunk: end lost',
    ],
  },
];

describe('chaos', () => {
  it('plans every fault that there is', () => {
    const planned = rounds.flatMap((round) => round.planned);
    expect(planned.toSorted()).toEqual(faultNames.toSorted());
  });

  it.each(rounds)(
    'the limit holds and every record is there once, with seed $seed',
    async (round) => {
      const lines: string[] = [];
      const say = (line: string) => void lines.push(line);
      try {
        const { fired } = await runChaos({ ...round, minutes: 0, say });
        expect(Object.keys(fired).toSorted()).toEqual(round.planned.toSorted());
      } catch (error) {
        throw new Error(`seed ${round.seed}, after:\n${lines.join('\n')}`, { cause: error });
      }
    },
  );
});

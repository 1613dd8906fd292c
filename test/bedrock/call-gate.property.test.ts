import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Permit } from '#bedrock/contract.ts';
import {
  admitted,
  answered,
  asked,
  createGate,
  isPermit,
  lost,
  refused,
  settle,
} from './gate-fixture.ts';

describe('call gate: any use', () => {
  const outcomes = [
    answered,
    refused('throttled'),
    refused('throttled', 3_000),
    refused('unreachable'),
    refused('request-refused'),
    refused('quota-exceeded'),
    refused('not-sent'),
    lost('no-answer'),
  ];
  const step = fc.oneof(
    fc.record({ do: fc.constant('admit' as const) }),
    fc.record({ do: fc.constant('abort' as const), at: fc.nat(9) }),
    fc.record({ do: fc.constant('release' as const), at: fc.nat(9) }),
    fc.record({
      do: fc.constant('done' as const),
      at: fc.nat(9),
      outcome: fc.constantFrom(...outcomes),
    }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.nat(20_000) }),
  );

  it('no permit leaks: never more than callsMax, and everyone is served once all have ended', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 120 }),
        async (callsMax, steps) => {
          const { gate, advance, timersLeft } = createGate(callsMax, () => 0.5);
          const held = new Set<Permit>();
          const aborts = new Set<AbortController>();
          let waiting = 0;
          const admit = () => {
            const abort = new AbortController();
            waiting += 1;
            aborts.add(abort);
            const end = () => {
              waiting -= 1;
              aborts.delete(abort);
            };
            void gate.admit(abort.signal).then((permit) => {
              end();
              if (permit !== 'open') held.add(permit);
            }, end);
          };
          for (const each of steps) {
            if (each.do === 'admit') admit();
            if (each.do === 'pass') await advance(each.ms);
            if (each.do === 'abort')
              [...aborts][each.at % (aborts.size || 1)]?.abort(new Error('gone'));
            if (each.do === 'done' || each.do === 'release') {
              const permit = [...held][each.at % (held.size || 1)];
              if (permit !== undefined) {
                held.delete(permit);
                if (each.do === 'done') permit.done(each.outcome);
                else permit.release();
              }
            }
            await settle();
            expect(held.size).toBeLessThanOrEqual(callsMax);
          }
          // Afterwards the provider is well: time and answers alone must serve every waiter.
          for (let round = 0; round < 200 && (waiting > 0 || held.size > 0); round += 1) {
            for (const permit of held) permit.done(answered);
            held.clear();
            await settle();
            await advance(60_000);
          }
          expect(waiting).toBe(0);
          expect(timersLeft()).toBeLessThanOrEqual(1);
          await advance(3_600_000);
          // A circuit left open wants its probe first; then the full limit is there again in the end.
          for (let n = 0; n < 8 * callsMax + 8; n += 1) (await admitted(gate)).done(answered);
          const all = Array.from({ length: callsMax }, () => asked(gate));
          await settle();
          expect(all.every((its) => isPermit(its.got))).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});

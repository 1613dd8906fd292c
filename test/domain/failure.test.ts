import { describe, expect, it } from 'vitest';
import { type FailureKind, failure, type Reaction, reactionTo } from '#domain/failure.ts';

const expected: Record<Reaction, readonly FailureKind[]> = {
  'try-again': ['malformed-answer', 'empty-answer', 'no-answer', 'provider-error'],
  'fail-record': [
    'undefined-variable',
    'template-error',
    'render-limit',
    'prompt-too-large',
    'answer-truncated',
    'content-filtered',
    'context-overflow',
    'request-refused',
  ],
  // Waiting counts no try, so an outage never fills a dataset with failures (design section 5).
  wait: [
    'throttled',
    'quota-exceeded',
    'unreachable',
    'service-unavailable',
    'model-not-ready',
    'not-sent',
  ],
  'fail-job': ['access-denied', 'model-not-found'],
};

describe('reactionTo', () => {
  const rows = Object.entries(expected).flatMap(([reaction, kinds]) =>
    kinds.map((kind) => ({ kind, reaction })),
  );
  it.each(rows)('reaction: $reaction, when a call failed with $kind', ({ kind, reaction }) => {
    expect(reactionTo(kind)).toBe(reaction);
  });
});

describe('failure', () => {
  it('failure: carries its kind for programs and its message for people', () => {
    expect(failure('throttled', 'wait 3 s')).toEqual({ kind: 'throttled', message: 'wait 3 s' });
  });
});

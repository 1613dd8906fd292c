import { describe, expect, it } from 'vitest';
import { isEnded, type JobStatus, mayBecome } from '#domain/job.ts';

/** The whole table, written again by hand: a state's line is where it may go, everything else is refused. */
const allowed: readonly (readonly [JobStatus, readonly JobStatus[]])[] = [
  ['validating', ['running', 'paused', 'failed', 'cancelling']],
  ['running', ['paused', 'budget_exhausted', 'finalizing', 'failed', 'cancelling']],
  ['paused', ['running', 'budget_exhausted', 'failed', 'cancelling']],
  ['budget_exhausted', ['running', 'paused', 'failed', 'cancelling']],
  ['finalizing', ['completed', 'running', 'failed', 'cancelling']],
  ['completed', []],
  ['failed', []],
  ['cancelling', ['cancelled', 'failed']],
  ['cancelled', []],
];
const statuses = allowed.map(([status]) => status);
const pairs = allowed.flatMap(([from, tos]) =>
  statuses.map((to) => ({ from, to, isAllowed: tos.includes(to) })),
);

describe('mayBecome', () => {
  it.each(pairs)('status: $from to $to is allowed: $isAllowed', ({ from, to, isAllowed }) => {
    expect(mayBecome(from, to)).toBe(isAllowed);
  });

  it('status: an end can be reached from every state that is not one', () => {
    for (const start of statuses) {
      const reached = new Set<JobStatus>([start]);
      for (const from of reached) {
        for (const to of statuses) if (mayBecome(from, to)) reached.add(to);
      }
      expect([...reached].some(isEnded)).toBe(true);
    }
  });
});

describe('isEnded', () => {
  it.each(
    statuses.map((status) => ({ status, ended: /^(completed|failed|cancelled)$/.test(status) })),
  )('status: $status is an end: $ended', ({ status, ended }) => {
    expect(isEnded(status)).toBe(ended);
  });
});

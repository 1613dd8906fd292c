import { describe, expect, it } from 'vitest';
import { countTests } from '#test/report.mjs';

const passed = { status: 'passed', assertionResults: [{ status: 'passed' }] };
const failed = { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] };
const broken = { status: 'failed', assertionResults: [] };

const report = (
  counts: { passed: number; failed: number; skipped?: number },
  files: unknown[],
) => ({
  numPassedTests: counts.passed,
  numFailedTests: counts.failed,
  numPendingTests: counts.skipped ?? 0,
  numTodoTests: 0,
  testResults: files,
});

describe('countTests', () => {
  it.each([
    {
      when: 'all passed',
      given: report({ passed: 1, failed: 0 }, [passed]),
      didSucceed: true,
      counts: [1, 0, 0],
    },
    {
      when: 'one failed',
      given: report({ passed: 2, failed: 1 }, [passed, failed]),
      didSucceed: false,
      counts: [2, 1, 0],
    },
    {
      when: 'a file did not load',
      given: report({ passed: 1, failed: 0 }, [passed, broken]),
      didSucceed: false,
      counts: [1, 1, 0],
    },
    {
      when: 'all passed and vitest failed',
      given: report({ passed: 1, failed: 0 }, [passed]),
      didSucceed: false,
      counts: [1, 1, 0],
    },
    {
      when: 'there were no tests',
      given: report({ passed: 0, failed: 0 }, []),
      didSucceed: false,
      counts: [0, 1, 0],
    },
    { when: 'vitest wrote nothing', given: null, didSucceed: false, counts: [0, 1, 0] },
    {
      when: 'vitest wrote nothing and succeeded',
      given: null,
      didSucceed: true,
      counts: [0, 1, 0],
    },
    {
      when: 'some were skipped',
      given: report({ passed: 1, failed: 0, skipped: 2 }, [passed]),
      didSucceed: true,
      counts: [1, 0, 2],
    },
  ])('gives passed, failed, skipped $counts, when $when', ({ given, didSucceed, counts }) => {
    expect(Object.values(countTests(given, didSucceed))).toEqual(counts);
  });
});

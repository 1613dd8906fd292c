import { describe, expect, it } from 'vitest';
import { createPaceMeter } from '#api/pace.ts';
import type { Job, JobStatus } from '#domain/job.ts';

const start = Date.parse('2026-01-02T03:00:00.000Z');

function job(done: number, status: JobStatus = 'running'): Job {
  return {
    id: 'job_1',
    status,
    statusSeq: 1,
    startedAt: new Date(start).toISOString(),
    progress: { accepted: done, rejected: 0, failed: 0, calls: done },
    spec: {
      template: { id: 'tpl_1', name: 't', sha256: '' },
      seeds: { id: 'seeds_1', sha256: '', rows: 1 },
      records: 1_000,
      jobSeed: 42,
      model: null,
      concurrency: 1,
      undefinedMode: 'error',
      provider: 'simulator',
      sha256: '',
    },
    waiting: null,
    failure: null,
    warnings: [],
    output: null,
    createdAt: new Date(start).toISOString(),
    endedAt: null,
  };
}

const none = { ratePerS: null, etaS: null };

describe('pace', () => {
  it.each([
    { of: 'too early', looks: [[1_999, 10]], is: none },
    {
      of: 'the mean since the start, at a first look',
      looks: [[2_000, 10]],
      is: { ratePerS: 5, etaS: 198 },
    },
    {
      of: 'unknown while nothing is done',
      looks: [
        [2_000, 0],
        [9_000, 0],
      ],
      is: none,
    },
    {
      of: 'what was done between two looks',
      looks: [
        [10_000, 100],
        [20_000, 300],
      ],
      is: { ratePerS: 20, etaS: 35 },
    },
    {
      of: 'of the last minute alone',
      looks: [
        [10_000, 0],
        [70_000, 600],
        [100_000, 630],
        [130_000, 660],
      ],
      is: { ratePerS: 1, etaS: 340 },
    },
    {
      of: 'zero seconds away from the end',
      looks: [
        [10_000, 0],
        [20_000, 1_000],
      ],
      is: { ratePerS: 100, etaS: 0 },
    },
  ])('pace: is $of', ({ looks, is }) => {
    const time = { ms: 0 };
    const meter = createPaceMeter(() => new Date(start + time.ms));
    let pace: unknown = null;
    for (const [ms = 0, done = 0] of looks) {
      time.ms = ms;
      pace = meter.observe(job(done));
    }
    expect(pace).toEqual(is);
  });

  it.each(['validating', 'paused', 'budget_exhausted', 'finalizing', 'completed'] as const)(
    'pace: is not known and is forgotten, when the job is %s',
    (status) => {
      const time = { ms: 10_000 };
      const meter = createPaceMeter(() => new Date(start + time.ms));
      meter.observe(job(100));
      time.ms = 20_000;
      expect(meter.observe(job(300, status))).toEqual(none);
      time.ms = 40_000;
      expect(meter.observe(job(400)).ratePerS).toBe(10);
    },
  );
});

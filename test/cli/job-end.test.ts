import { describe, expect, it } from 'vitest';
import { endLines, exitCodeOf, resultOf } from '#cli/job-end.ts';
import { jobBody } from './job.ts';

const all = { requested: 3, accepted: 3, rejected: 0, failed: 0, not_started: 0 };

describe('exitCodeOf', () => {
  it.each([
    { job: jobBody({ status: 'completed', records: all }), code: 0 },
    { job: jobBody({ status: 'completed', records: { ...all, accepted: 2, failed: 1 } }), code: 3 },
    {
      job: jobBody({ status: 'completed', records: { ...all, accepted: 2, rejected: 1 } }),
      code: 0,
    },
    { job: jobBody({ status: 'cancelled' }), code: 2 },
    { job: jobBody({ status: 'budget_exhausted' }), code: 5 },
    { job: jobBody({ status: 'failed', failure: { kind: 'internal', message: '' } }), code: 1 },
    {
      job: jobBody({ status: 'failed', failure: { kind: 'access-denied', message: '' } }),
      code: 4,
    },
  ])(
    'exit code: $code, when the job is $job.status with $job.records.failed failed',
    ({ job, code }) => {
      expect(exitCodeOf(job)).toBe(code);
    },
  );
});

describe('resultOf', () => {
  it('result: exactly the fields that scripts rely on, when the job is done', () => {
    const job = jobBody({ status: 'completed', records: all, calls: 6 });
    expect(resultOf(job, 'completed', '/data/story')).toEqual({
      type: 'result',
      status: 'completed',
      job_id: 'job_1',
      records: all,
      calls: 6,
      cost: { limit: '1.00', spent: '0.10', held: '0.20', unknown: '0.00', available: '0.70' },
      output: '/data/story',
    });
  });

  it('result: the reason too, when the job has failed', () => {
    const job = jobBody({
      status: 'failed',
      failure: { kind: 'breach', message: 'billed too much' },
    });
    expect(resultOf(job, 'failed', null)).toMatchObject({
      output: null,
      error: { code: 'breach', message: 'billed too much' },
    });
  });
});

describe('endLines', () => {
  const delivery = { folder: '/data/story', files: 4, replaced: null };
  it('summary: counts, money, files and the next step, when the job is done', () => {
    const job = jobBody({
      status: 'completed',
      records: { ...all, accepted: 2, failed: 1 },
      calls: 6,
      ended_at: '2026-11-20T10:00:06.000Z',
    });
    expect(endLines(job, delivery)).toEqual([
      'Done in 5 s: 2 accepted, 1 failed (see failures.jsonl). $0.10 of $1.00, 6 calls.',
      '  /data/story/records.jsonl · verified, 4 files',
      '  next: ./plot show job_1',
    ]);
  });

  it('summary: how to go on, when the money is out', () => {
    const lines = endLines(jobBody({ status: 'budget_exhausted' }), null);
    expect(lines[0]).toContain('1 accepted, 2 not started');
    expect(lines.at(-1)).toBe('  next: ./plot raise-budget job_1 --max-usd X');
  });
});

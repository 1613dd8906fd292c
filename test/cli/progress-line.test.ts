import { describe, expect, it } from 'vitest';
import { shortUsd } from '#cli/money-text.ts';
import { durationText, type ProgressView, progressLine } from '#cli/progress-line.ts';

const running: ProgressView = {
  status: 'running',
  records: { requested: 300, accepted: 210, rejected: 0, failed: 0, not_started: 90 },
  cost: { limit: '0.50', spent: '0.043', held: '0.006', unknown: '0.00', available: '0.451' },
  waiting: null,
  progress: { rate_per_s: 61.2, eta_s: 2 },
};
const none = { requested: 300, accepted: 0, rejected: 0, failed: 0, not_started: 300 };
const free = { limit: '0.50', spent: '0.00', held: '0.00', unknown: '0.00', available: '0.50' };
const paceless = { rate_per_s: null, eta_s: null };

describe('progressLine', () => {
  it.each<{ job: ProgressView; line: string; when: string }>([
    {
      when: 'it runs',
      job: running,
      line: '  ████████████████░░░░░░░░  210/300   61 records/s   $0.043 spent  $0.006 held   2 s left',
    },
    {
      when: 'it starts',
      job: { ...running, status: 'validating', records: none, cost: free, progress: paceless },
      line: '  ░░░░░░░░░░░░░░░░░░░░░░░░  0/300   $0.00 spent   starting',
    },
    {
      when: 'its pace is not known yet',
      job: { ...running, records: none, cost: free, progress: paceless },
      line: '  ░░░░░░░░░░░░░░░░░░░░░░░░  0/300   $0.00 spent',
    },
    {
      when: 'the provider is down',
      job: {
        ...running,
        progress: paceless,
        waiting: { kind: 'provider-down', detail: 'no answer since 10:00', since: '' },
      },
      line: '  ████████████████░░░░░░░░  210/300   $0.043 spent  $0.006 held   waiting: no answer since 10:00',
    },
    {
      when: 'records failed and calls were lost',
      job: {
        ...running,
        records: { requested: 2_000, accepted: 1_988, rejected: 0, failed: 11, not_started: 1 },
        cost: { ...running.cost, unknown: '0.0012' },
        progress: { rate_per_s: 2.345, eta_s: 125 },
      },
      line: '  ███████████████████████░  1,999/2,000   2.3 records/s   $0.043 spent  $0.006 held  $0.0012 unknown   11 failed   2 min 5 s left',
    },
    {
      when: 'everything is there and the files are not',
      job: {
        ...running,
        status: 'finalizing',
        records: { ...none, accepted: 300, not_started: 0 },
        cost: { ...free, spent: '0.06' },
        progress: paceless,
      },
      line: '  ████████████████████████  300/300   $0.06 spent   writing the files',
    },
  ])('progress: one line, when $when', ({ job, line }) => {
    expect(progressLine(job)).toBe(line);
  });
});

describe('shortUsd', () => {
  it.each([
    ['0.00', '$0.00'],
    ['0.000000000001', '<$0.0001'],
    ['0.000049999999', '<$0.0001'],
    ['0.00005', '$0.0001'],
    ['0.06124', '$0.0612'],
    ['0.5', '$0.50'],
    ['0.99995', '$1.00'],
    ['1', '$1.00'],
    ['1.005', '$1.01'],
    ['1234567.891', '$1,234,567.89'],
  ])('money: %s is shown as %s', (exact, shown) => {
    expect(shortUsd(exact)).toBe(shown);
  });
});

describe('durationText', () => {
  it.each([
    [0, '0 s'],
    [0.4, '0 s'],
    [59.4, '59 s'],
    [59.5, '1 min'],
    [61, '1 min 1 s'],
    [3_599, '59 min 59 s'],
    [3_600, '1 h'],
    [7_260, '2 h 1 min'],
  ])('time: %d seconds are shown as %s', (seconds, shown) => {
    expect(durationText(seconds)).toBe(shown);
  });
});

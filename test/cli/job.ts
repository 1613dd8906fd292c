import type { JobBody } from '#cli/job-body.ts';

/** A job of 3 records as the API shows it. */
export function jobBody(changes: Partial<JobBody> = {}): JobBody {
  return {
    id: 'job_1',
    status: 'running',
    records: { requested: 3, accepted: 1, rejected: 0, failed: 0, not_started: 2 },
    calls: 1,
    cost: { limit: '1.00', spent: '0.10', held: '0.20', unknown: '0.00', available: '0.70' },
    waiting: null,
    progress: { rate_per_s: null, eta_s: null },
    provider: 'simulator',
    template: { id: 'tpl_1', name: 'story' },
    seeds: { id: 'seeds_1', rows: 5 },
    models: { story: 'model-a' },
    failure: null,
    warnings: [],
    output: null,
    job_seed: 42,
    concurrency: 64,
    created_at: '2026-11-20T10:00:00.000Z',
    started_at: '2026-11-20T10:00:01.000Z',
    ended_at: null,
    links: { temporal_ui: null, docs: 'http://127.0.0.1/docs' },
    ...changes,
  };
}

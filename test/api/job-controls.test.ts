import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStartSweep } from '#api/start-jobs.ts';
import { usd } from '#domain/money.ts';
import {
  createdJob,
  createHarness,
  type Harness,
  jobOf,
  postJob,
  problemOf,
  storeInputs,
} from './harness.ts';

let harness: Harness;
let id: string;
beforeEach(async () => {
  harness = await createHarness();
  id = (await createdJob(harness)).id;
  harness.workflows.asked.length = 0;
});
afterEach(() => harness.stop());

function post(path: string, body?: unknown): Promise<Response> {
  return Promise.resolve(
    harness.app.request(`/v1/jobs/${id}/${path}`, {
      method: 'POST',
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    }),
  );
}

async function become(...statuses: ('running' | 'finalizing' | 'completed')[]): Promise<void> {
  for (const to of statuses) {
    const { statusSeq } = (await harness.store.jobs.get(id)) ?? { statusSeq: 0 };
    const at = new Date(harness.time.ms).toISOString();
    const change = { to, seq: statusSeq + 1, at, waiting: null, failure: null };
    expect((await harness.store.jobs.changeStatus(id, change)).kind).toBe('done');
  }
}

describe('pause, resume, cancel', () => {
  it.each(['pause', 'resume', 'cancel'])(
    '%s: is asked of the workflow, and answers the job as it stands',
    async (name) => {
      await become('running');
      const answer = await post(name);
      expect([answer.status, (await jobOf(answer)).status]).toEqual([202, 'running']);
      expect(harness.workflows.asked).toEqual([{ what: name, jobId: id }]);
    },
  );

  it('cancel: starts the workflow first, when no worker has taken the job up', async () => {
    expect((await post('cancel')).status).toBe(202);
    expect(harness.workflows.asked.map(({ what }) => what)).toEqual(['start', 'cancel']);
  });

  it.each(['pause', 'resume', 'cancel', 'limit'])(
    '%s: is refused, when the job has ended',
    async (name) => {
      await become('running', 'finalizing', 'completed');
      const answer = await post(name, name === 'limit' ? { limit: '1' } : undefined);
      const problem = await problemOf(answer);
      expect([answer.status, problem.code]).toEqual([409, 'job_ended']);
      expect(problem.detail).toContain('completed');
      expect(harness.workflows.asked).toEqual([]);
      expect((await harness.store.ledger.account(id))?.limit).toBe(usd('0.50'));
    },
  );

  it.each(['pause', 'resume', 'cancel', 'limit'])(
    '%s: says when to repeat it, when Temporal is down',
    async (name) => {
      harness.workflows.isDown = true;
      for (const status of ['validating', 'running'] as const) {
        if (status === 'running') await become('running');
        const answer = await post(name, name === 'limit' ? { limit: '1' } : undefined);
        expect([answer.status, (await problemOf(answer)).code]).toEqual([
          503,
          'temporal_unreachable',
        ]);
        expect(answer.headers.get('retry-after')).toBe('5');
      }
    },
  );

  it('pause: says that the workflow is gone, when Temporal does not have it', async () => {
    await become('running');
    harness.workflows.control = { kind: 'not-running' };
    const answer = await post('pause');
    expect([answer.status, (await problemOf(answer)).code]).toEqual([409, 'workflow_gone']);
  });

  it.each(['job_x', 'job_00000000000000000000000000', 'a%2Fb', 'tpl_0'])(
    'pause: finds no job, when the id is %s',
    async (wrong) => {
      const answer = await harness.app.request(`/v1/jobs/${wrong}/pause`, { method: 'POST' });
      expect([answer.status, (await problemOf(answer)).code]).toEqual([404, 'job_not_found']);
    },
  );
});

describe('POST /v1/jobs/{id}/limit', () => {
  it('limit: is stored before the workflow is told of it', async () => {
    await become('running');
    const answer = await post('limit', { limit: '1.00' });
    expect([answer.status, (await jobOf(answer)).cost.limit]).toEqual([200, '1.00']);
    expect((await harness.store.ledger.account(id))?.limit).toBe(usd('1'));
    expect(harness.workflows.asked).toEqual([{ what: 'setLimit', jobId: id, argument: '1.00' }]);
  });

  it.each([
    { limit: '0.10', status: 200, because: 'nothing is left, nothing is owed' },
    { limit: '0.099999999999', status: 409, because: 'more is committed' },
  ])(
    'limit: $limit is answered $status with 0.10 held, because $because',
    async ({ limit, status }) => {
      await become('running');
      const amount = usd('0.10');
      const at = new Date(harness.time.ms).toISOString();
      await harness.store.ledger.execute({
        kind: 'open',
        account: id,
        batch: '000000',
        wanted: amount,
        least: amount,
        at,
      });
      const answer = await post('limit', { limit });
      expect(answer.status).toBe(status);
      if (status === 409) {
        const body = await problemOf(answer);
        expect(body.code).toBe('limit_below_committed');
        expect(body.detail).toContain('$0.10 of');
        expect(body.errors[0]?.detail).toBe('at least 0.10 is allowed');
        expect(harness.workflows.asked).toEqual([]);
      }
    },
  );

  it.each([
    { body: { limit: '1e3' }, code: 'limit_invalid' },
    { body: { limit: 1 }, code: 'limit_invalid' },
    { body: {}, code: 'limit_invalid' },
    { body: { limit: '1', extra: 1 }, code: 'validation_failed' },
  ])('limit: $body is refused as $code', async ({ body, code }) => {
    const answer = await post('limit', body);
    expect([answer.status, (await problemOf(answer)).code]).toEqual([422, code]);
  });
});

describe('starting', () => {
  it('job: is created and waits for its start, when Temporal is down; the sweep starts it once', async () => {
    const inputs = await storeInputs(harness);
    harness.workflows.isDown = true;
    const answer = await postJob(harness, inputs);
    const job = await jobOf(answer);
    expect([answer.status, job.status]).toEqual([201, 'validating']);
    const sweep = createStartSweep(harness.ports);
    expect(await sweep.sweep()).toBe(0);
    harness.workflows.isDown = false;
    expect(await sweep.sweep()).toBe(2);
    expect(harness.workflows.asked.map(({ jobId }) => jobId)).toEqual([id, job.id]);
    expect(await sweep.sweep()).toBe(0);
  });

  it('job: is started by the next process, when the one that stored it died in between', async () => {
    const inputs = await storeInputs(harness);
    const died: Promise<never> = new Promise(() => {});
    const dying = await createHarness({
      store: harness.store,
      workflows: { ...harness.workflows, start: () => died },
    });
    void postJob(dying, inputs);
    const stored = async () =>
      (await harness.store.jobs.list({ limit: 10, after: null, status: 'validating' })).items;
    await expect.poll(stored, { interval: 5 }).toHaveLength(2);
    const lost = (await stored()).find((job) => job.id !== id);
    expect((await harness.store.ledger.account(lost?.id ?? ''))?.limit).toBe(usd('0.50'));
    await dying.stop();
    await createStartSweep(harness.ports).sweep();
    expect(harness.workflows.asked.map(({ jobId }) => jobId)).toContain(lost?.id);
  });

  it('sweep: asks again after a minute, and not before, when a job still waits', async () => {
    const sweep = createStartSweep(harness.ports);
    expect(await sweep.sweep()).toBe(1);
    harness.time.ms += 59_999;
    expect(await sweep.sweep()).toBe(0);
    harness.time.ms += 1;
    expect(await sweep.sweep()).toBe(1);
  });

  it('sweep: leaves jobs alone that a worker has taken up', async () => {
    await become('running');
    expect(await createStartSweep(harness.ports).sweep()).toBe(0);
  });

  it('sweep: starts the others, when one job cannot be started', async () => {
    const second = await createdJob(harness);
    const started: string[] = [];
    const workflows = {
      ...harness.workflows,
      start: async (jobId: string) => {
        if (jobId === id) throw new Error('search attribute is not defined');
        started.push(jobId);
        return { kind: 'started' as const };
      },
    };
    expect(await createStartSweep({ ...harness.ports, workflows }).sweep()).toBe(1);
    expect(started).toEqual([second.id]);
    expect(harness.logged.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('job: is created all the same, when Temporal refuses its start', async () => {
    const workflows = {
      ...harness.workflows,
      start: async () => Promise.reject(new Error('search attribute is not defined')),
    };
    const other = await createHarness({ store: harness.store, workflows });
    const answer = await postJob(other, await storeInputs(harness));
    await other.stop();
    expect(answer.status).toBe(201);
  });
});

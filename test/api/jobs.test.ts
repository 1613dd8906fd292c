import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jobBody } from '#api/schemas.ts';
import { recordsMax } from '#domain/plan.ts';
import {
  bodyOf,
  createdJob,
  createHarness,
  filmRows,
  filmTemplate,
  type Harness,
  jobOf,
  postJob,
  problemOf,
  storeInputs,
} from './harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await createHarness();
});
afterEach(() => harness.stop());

describe('POST /v1/jobs', () => {
  it('job: is answered as it was stored, with its money and its models, when it is created', async () => {
    const inputs = await storeInputs(harness);
    const answer = await postJob(harness, { ...inputs, limit: '0.5' });
    expect(answer.status).toBe(201);
    const job = await jobOf(answer);
    expect(answer.headers.get('location')).toBe(`http://localhost/v1/jobs/${job.id}`);
    expect(job).toMatchObject({
      object: 'job',
      status: 'validating',
      provider: 'simulator',
      template: { id: inputs.template, name: 'film-blurbs' },
      seeds: { id: inputs.seeds, rows: 3 },
      models: { blurb: 'amazon.nova-lite-v1:0', verdict: 'amazon.nova-micro-v1:0' },
      records: { requested: 3, accepted: 0, rejected: 0, failed: 0, not_started: 3 },
      cost: { currency: 'USD', limit: '0.50', spent: '0.00', held: '0.00', available: '0.50' },
      account_status: 'active',
      job_seed: 42,
      concurrency: 64,
      progress: { rate_per_s: null, eta_s: null },
      output: null,
    });
    expect(job.id).toMatch(/^job_[0-9A-Z]{26}$/);
    expect(job.links.temporal_ui).toBe(`http://ui.test/namespaces/default/workflows/gen-${job.id}`);
    expect(harness.workflows.asked).toEqual([{ what: 'start', jobId: job.id }]);
    expect(harness.workflows.displays[0]).toEqual({
      template: 'film-blurbs',
      models: ['amazon.nova-lite-v1:0', 'amazon.nova-micro-v1:0'],
      records: 3,
      seedRows: 3,
      limit: '0.50',
      provider: 'simulator',
    });
    expect(await jobOf(await harness.app.request(`/v1/jobs/${job.id}`))).toEqual(job);
  });

  it('warnings: name the variable and the rows, when a required variable is null', async () => {
    const { warnings } = await createdJob(harness);
    expect(warnings).toEqual([
      "'Director' is null in 1 of 3 rows: it prints as 'None'; write {{ Director or 'unknown' }}",
    ]);
  });

  it('models: are the one of the job in every step, when the job names one', async () => {
    const inputs = await storeInputs(harness);
    const model = 'us.amazon.nova-2-lite-v1:0';
    const job = await jobOf(await postJob(harness, { ...inputs, model }));
    expect(job.models).toEqual({ blurb: model, verdict: model });
  });

  it('digest: is of what decides the records, whatever the limit, concurrency and field order', async () => {
    const inputs = await storeInputs(harness);
    const digestOf = async (body: object) => {
      const { id } = await jobOf(await postJob(harness, body));
      return (await harness.store.jobs.get(id))?.spec.sha256;
    };
    const digest = await digestOf(inputs);
    const { limit, ...rest } = inputs;
    expect(await digestOf({ concurrency: 2, limit: '0.7', ...rest })).toBe(digest);
    expect(await digestOf({ ...rest, limit, job_seed: 42 })).toBe(digest);
    expect(await digestOf({ ...inputs, job_seed: 43 })).not.toBe(digest);
    expect(await digestOf({ ...inputs, records: 4 })).not.toBe(digest);
    expect(await digestOf({ ...inputs, undefined: 'empty' })).not.toBe(digest);
  });

  describe('refusals', () => {
    const of = (change: object) => (inputs: object) => ({ ...inputs, ...change });
    const without = (field: string) => (inputs: object) =>
      Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== field));
    const limitPointer = '/limit';
    it.each([
      {
        body: of({ recrods: 3 }),
        code: 'validation_failed',
        pointer: '/recrods',
        says: '"records"',
      },
      {
        body: of({ metadata: {} }),
        code: 'validation_failed',
        pointer: '/metadata',
        says: 'not a known field',
      },
      {
        body: of({ 'a/b~c': 1 }),
        code: 'validation_failed',
        pointer: '/a~1b~0c',
        says: 'not a known field',
      },
      { body: () => [], code: 'validation_failed', pointer: '', says: 'the body is []' },
      { body: () => 'null', code: 'validation_failed', pointer: '', says: 'the body is null' },
      {
        body: of({ records: 0 }),
        code: 'validation_failed',
        pointer: '/records',
        says: 'records is 0; a whole number from 1 to 1,000,000',
      },
      {
        body: of({ records: recordsMax + 1 }),
        code: 'validation_failed',
        pointer: '/records',
        says: 'from 1 to 1,000,000',
      },
      { body: of({ records: 1.5 }), code: 'validation_failed', pointer: '/records', says: '1.5' },
      { body: of({ records: '3' }), code: 'validation_failed', pointer: '/records', says: '"3"' },
      {
        body: without('records'),
        code: 'validation_failed',
        pointer: '/records',
        says: 'records is missing',
      },
      {
        body: of({ concurrency: 0 }),
        code: 'validation_failed',
        pointer: '/concurrency',
        says: 'from 1 to 1,024',
      },
      {
        body: of({ concurrency: 1025 }),
        code: 'validation_failed',
        pointer: '/concurrency',
        says: 'from 1 to 1,024',
      },
      {
        body: of({ job_seed: -1 }),
        code: 'validation_failed',
        pointer: '/job_seed',
        says: 'from 0 to 4,294,967,295',
      },
      {
        body: of({ job_seed: 2 ** 32 }),
        code: 'validation_failed',
        pointer: '/job_seed',
        says: '4294967296',
      },
      {
        body: of({ undefined: 'ignore' }),
        code: 'validation_failed',
        pointer: '/undefined',
        says: '"error" or "empty"',
      },
      {
        body: of({ model: '' }),
        code: 'validation_failed',
        pointer: '/model',
        says: 'id of a model',
      },
      {
        body: of({ model: 'amazon.nova-lite' }),
        code: 'model_unpriced',
        pointer: '/model',
        says: 'amazon.nova-lite-v1:0',
      },
      {
        body: of({ template: 'tpl_00000000000000000000000000' }),
        code: 'template_not_found',
        pointer: '/template',
        says: 'no template',
      },
      {
        body: of({ template: '../../etc/passwd' }),
        code: 'template_not_found',
        pointer: '/template',
        says: 'no template',
      },
      {
        body: of({ seeds: 'seeds_00000000000000000000000000' }),
        code: 'seeds_not_found',
        pointer: '/seeds',
        says: 'no seed set',
      },
      {
        body: of({ limit: '0.1e3' }),
        code: 'limit_invalid',
        pointer: limitPointer,
        says: 'limit is "0.1e3"; it must be digits',
      },
      { body: of({ limit: '-1' }), code: 'limit_invalid', pointer: limitPointer, says: '"-1"' },
      { body: of({ limit: '' }), code: 'limit_invalid', pointer: limitPointer, says: '""' },
      {
        body: of({ limit: '0.0000000000001' }),
        code: 'limit_invalid',
        pointer: limitPointer,
        says: 'at most 12 digits after the point',
      },
      {
        body: of({ limit: 0.5 }),
        code: 'limit_invalid',
        pointer: limitPointer,
        says: 'limit is 0.5; an amount in USD as text',
      },
      {
        body: of({ limit: null }),
        code: 'limit_invalid',
        pointer: limitPointer,
        says: 'limit is null',
      },
      {
        body: without('limit'),
        code: 'limit_invalid',
        pointer: limitPointer,
        says: 'limit is missing',
      },
      {
        body: of({ limit: '0' }),
        code: 'limit_too_small',
        pointer: limitPointer,
        says: 'is needed for one call',
      },
    ])('job: is refused as $code at "$pointer", which says $says', async (row) => {
      const body = row.body(await storeInputs(harness));
      const answer = await postJob(harness, body);
      const problem = await problemOf(answer);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect({ status: answer.status, code: problem.code }).toEqual({
        status: 422,
        code: row.code,
      });
      const at = problem.errors.find(({ pointer }) => pointer === row.pointer);
      expect(at?.detail).toContain(row.says);
      expect(
        (await harness.store.jobs.list({ limit: 10, after: null, status: null })).items,
      ).toEqual([]);
    });

    it('limit: pays for a call exactly, when it is the least that was named', async () => {
      const inputs = await storeInputs(harness);
      const refusal = await problemOf(await postJob(harness, { ...inputs, limit: '0.00000001' }));
      const least = /at least ([\d.]+) is needed/.exec(refusal.errors[0]?.detail ?? '')?.[1];
      expect((await postJob(harness, { ...inputs, limit: least })).status).toBe(201);
    });

    it('model: is refused with the step at fault, when the template names one without a price', async () => {
      const inputs = await storeInputs(
        harness,
        filmTemplate.replace('nova-micro-v1:0', 'nova-lite-v2:0'),
      );
      const problem = await problemOf(await postJob(harness, inputs));
      expect(problem).toMatchObject({ code: 'model_unpriced', status: 422 });
      expect(problem.detail).toContain(`Step 'verdict' asks for "amazon.nova-lite-v2:0"`);
      expect(problem.errors).toHaveLength(1);
      expect(problem.errors[0]?.pointer).toBe('/steps/1/model');
      expect(problem.errors[0]?.detail).toContain('amazon.nova-lite-v1:0');
    });

    it('rows: are named, when they lack a required variable; taken, when absent ones may be empty', async () => {
      const rows = [...filmRows, { Title: 'Solaris' }, { Title: 'Stalker' }];
      const inputs = await storeInputs(harness, filmTemplate, rows);
      const problem = await problemOf(await postJob(harness, inputs));
      expect(problem).toMatchObject({ code: 'seed_rows_incomplete', status: 422 });
      expect(problem.errors).toEqual([
        {
          pointer: '/seeds',
          detail: '"Director" is absent in 2 of 5 rows, first in rows 3, 4 (counted from 0)',
        },
      ]);
      const job = await jobOf(await postJob(harness, { ...inputs, undefined: 'empty' }));
      expect(job.warnings[0]).toBe("'Director' is absent in 2 of 5 rows: it prints as nothing");
    });

    it.each([
      { key: '', says: 'is ""' },
      { key: 'a b', says: '"a b"' },
      { key: 'k'.repeat(256), says: '1 to 255 visible ASCII' },
    ])('key: is refused, when it is "$key"', async ({ key, says }) => {
      const problem = await problemOf(await postJob(harness, {}, key));
      expect(problem).toMatchObject({ status: 422, code: 'validation_failed' });
      expect(problem.errors[0]?.pointer).toBe('/headers/idempotency-key');
      expect(problem.errors[0]?.detail).toContain(says);
    });

    it('key: is asked for, when it is missing', async () => {
      const answer = await harness.app.request('/v1/jobs', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      const problem = await problemOf(answer);
      expect(problem.errors[0]?.detail).toContain('idempotency-key is missing');
    });
  });
});

describe('Idempotency-Key', () => {
  it('job: is made once, when the same request comes many times at once', async () => {
    const inputs = await storeInputs(harness);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => postJob(harness, inputs, 'same')),
    );
    const ids = await Promise.all(answers.map(async (answer) => (await jobOf(answer)).id));
    expect(new Set(ids).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers) {
      const replayed = answer.status === 200 ? 'true' : null;
      expect(answer.headers.get('idempotent-replayed')).toBe(replayed);
    }
    const { items } = await harness.store.jobs.list({ limit: 10, after: null, status: null });
    expect(items).toHaveLength(1);
  });

  it('job: is the same, when defaults are spelled out and the limit has another form', async () => {
    const inputs = await storeInputs(harness);
    const first = await jobOf(await postJob(harness, inputs, 'same'));
    const again = await postJob(
      harness,
      { ...inputs, limit: '0.500', concurrency: 64, model: null },
      'same',
    );
    expect([again.status, (await jobOf(again)).id]).toEqual([200, first.id]);
  });

  it('key: is refused, when it comes with another body', async () => {
    const inputs = await storeInputs(harness);
    const first = await jobOf(await postJob(harness, inputs, 'same'));
    const answer = await postJob(harness, { ...inputs, limit: '0.51' }, 'same');
    const problem = await problemOf(answer);
    expect(problem).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
    expect(problem.detail).toContain(first.id);
  });
});

const listBody = z.strictObject({
  object: z.literal('list'),
  data: z.array(jobBody.strict()),
  has_more: z.boolean(),
  next: z.string().nullable(),
});

describe('GET /v1/jobs', () => {
  it('list: goes through all jobs, newest first, page by page', async () => {
    const inputs = await storeInputs(harness);
    const made: string[] = [];
    for (let at = 0; at < 5; at += 1) {
      harness.time.ms += 1_000;
      made.unshift((await jobOf(await postJob(harness, inputs))).id);
    }
    const seen: string[] = [];
    let query = '?limit=2';
    for (let page = 0; page < 3; page += 1) {
      const list = await bodyOf(await harness.app.request(`/v1/jobs${query}`), listBody);
      seen.push(...list.data.map(({ id }) => id));
      expect(list.has_more).toBe(page < 2);
      query = `?limit=2&starting_after=${list.next}`;
    }
    expect(seen).toEqual(made);
  });

  it('list: has only jobs of the status that is asked for', async () => {
    await createdJob(harness);
    const idsOf = async (status: string) =>
      (await bodyOf(await harness.app.request(`/v1/jobs?status=${status}`), listBody)).data.length;
    expect([await idsOf('validating'), await idsOf('running')]).toEqual([1, 0]);
  });

  it.each([
    {
      query: 'limit=0',
      pointer: '/query/limit',
      says: 'limit is "0"; a whole number from 1 to 100',
    },
    { query: 'limit=101', pointer: '/query/limit', says: '"101"' },
    { query: 'limit=ten', pointer: '/query/limit', says: '"ten"' },
    { query: 'limit=1&limit=2', pointer: '/query/limit', says: '["1","2"]' },
    { query: 'status=done', pointer: '/query/status', says: 'allowed are validating, running' },
    { query: 'starting_after=nonsense', pointer: '/query/starting_after', says: '"nonsense"' },
    { query: 'starting_after=', pointer: '/query/starting_after', says: '""' },
    { query: 'staring_after=x', pointer: '/query/staring_after', says: '"starting_after"' },
  ])('list: is refused at $pointer, when the query is $query', async ({ query, pointer, says }) => {
    const answer = await harness.app.request(`/v1/jobs?${query}`);
    const problem = await problemOf(answer);
    expect([answer.status, problem.code]).toEqual([422, 'validation_failed']);
    expect(problem.errors[0]?.pointer).toBe(pointer);
    expect(problem.errors[0]?.detail).toContain(says);
  });
});

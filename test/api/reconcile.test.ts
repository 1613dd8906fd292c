import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reconciliationBody, reconciliationList } from '#api/reconcile-schemas.ts';
import { createInvocationLog } from '#bedrock/invocation-log.ts';
import { pico } from '#domain/money.ts';
import { bodyOf, createdJob, createHarness, type Harness, problemOf } from './harness.ts';

const minute = 60_000;

/** A job with one hold of $0.000001, all of it unknown since now. */
async function jobWithUnknown(harness: Harness): Promise<string> {
  const { id } = await createdJob(harness);
  const { ledger } = harness.store;
  const at = new Date(harness.time.ms).toISOString();
  const amount = pico(1_000_000n);
  await ledger.execute({
    kind: 'open',
    account: id,
    batch: '000000',
    wanted: amount,
    least: amount,
    at,
  });
  await ledger.execute({ kind: 'abandon', hold: `${id}/000000/1`, at });
  return id;
}

/** A log line of one of its calls: 5 tokens in at 60,000 and 1 out at 240,000 pUSD. */
function line(id: string, call = 'c1'): string {
  return `${JSON.stringify({
    schemaType: 'ModelInvocationLog',
    timestamp: '2026-01-02T03:05:00Z',
    requestId: `request-${call}`,
    modelId: 'amazon.nova-lite-v1:0',
    requestMetadata: { pp_hold: `${id}/000000/1`, pp_call: call },
    input: { inputTokenCount: 5, cacheReadInputTokenCount: 0, cacheWriteInputTokenCount: 0 },
    output: { outputTokenCount: 1 },
  })}\n`;
}

function post({ app }: Harness, id: string, query = '', body?: string): Promise<Response> {
  const path = `/v1/jobs/${id}/reconcile${query}`;
  return Promise.resolve(
    app.request(path, { method: 'POST', ...(body === undefined ? {} : { body }) }),
  );
}

function past(harness: Harness, minutesAgo: number): string {
  return `?complete_until=${new Date(harness.time.ms - minutesAgo * minute).toISOString()}`;
}

async function inHarness(work: (harness: Harness) => Promise<void>, given = {}): Promise<void> {
  const harness = await createHarness(given);
  try {
    await work(harness);
  } finally {
    await harness.stop();
  }
}

describe('POST /v1/jobs/{id}/reconcile', () => {
  it('bills and releases by the log in its body, lists it, and shows the new cost', () =>
    inHarness(async (harness) => {
      const id = await jobWithUnknown(harness);
      harness.time.ms += 30 * minute;
      const answer = await post(harness, id, past(harness, 10), line(id));
      expect(answer.status).toBe(200);
      const done = await bodyOf(answer, reconciliationBody.strict());
      expect(done).toMatchObject({ billed: '0.00000054', released: '0.00000046', unknown: '0.00' });
      expect(done).toMatchObject({ holds: { examined: 1, settled: 1, open: 0 }, problems: [] });
      const list = await harness.app.request(`/v1/jobs/${id}/reconciliations`);
      const { data } = await bodyOf(list, reconciliationList.strict());
      expect(data).toHaveLength(1);
      expect(data[0]).toMatchObject({ billed: '0.00000054', calls: { found: 1, unanswered: 1 } });
      const job = await harness.app.request(`/v1/jobs/${id}`);
      expect(await job.json()).toMatchObject({ cost: { spent: '0.00000054', unknown: '0.00' } });
    }));

  it.each([
    { minutesAgo: 10, released: '0.00000046' },
    { minutesAgo: 11, released: '0.00' },
  ])('releases $released, when the log is complete until $minutesAgo of 30 minutes ago', (row) =>
    inHarness(async (harness) => {
      const id = await jobWithUnknown(harness);
      harness.time.ms += 30 * minute;
      const answer = await post(harness, id, past(harness, row.minutesAgo), line(id));
      expect(await answer.json()).toMatchObject({ billed: '0.00000054', released: row.released });
    }),
  );

  it('reads the configured log of the simulator, which is complete until now', () =>
    inHarness(async (seen) => {
      const place = join(tmpdir(), `plot-log-${seen.ports.newId()}.jsonl`);
      await inHarness(
        async (harness) => {
          const id = await jobWithUnknown(harness);
          await writeFile(place, line(id));
          harness.time.ms += 20 * minute - 1;
          expect(await (await post(harness, id)).json()).toMatchObject({ released: '0.00' });
          harness.time.ms += 1;
          expect(await (await post(harness, id)).json()).toMatchObject({
            billed: '0.00',
            released: '0.00000046',
            unknown: '0.00',
          });
        },
        { providerLog: createInvocationLog({ place }) },
      );
    }));

  it('wakes a job that waits for money, when money came back', () =>
    inHarness(async (harness) => {
      const id = await jobWithUnknown(harness);
      const at = new Date(harness.time.ms).toISOString();
      for (const [seq, to] of (['running', 'budget_exhausted'] as const).entries()) {
        const change = { to, seq: seq + 1, at, waiting: null, failure: null };
        await harness.store.jobs.changeStatus(id, change);
      }
      harness.time.ms += 30 * minute;
      await post(harness, id, past(harness, 10), line(id));
      expect(harness.workflows.asked.at(-1)).toEqual({
        what: 'setLimit',
        jobId: id,
        argument: '0.50',
      });
    }));

  it.each([
    { name: 'no log is configured', query: '', code: 'no_log', status: 409 },
    {
      name: 'the log would be complete until a time to come',
      query: '?complete_until=2026-01-02T03:04:05.001Z',
      code: 'validation_failed',
      status: 422,
    },
    {
      name: 'the time is none',
      query: '?complete_until=now',
      code: 'validation_failed',
      status: 422,
    },
    { name: 'a place is named', query: '?log=/etc/passwd', code: 'validation_failed', status: 422 },
  ])('is refused with $code, when $name', ({ query, code, status }) =>
    inHarness(async (harness) => {
      const id = await jobWithUnknown(harness);
      const problem = await problemOf(await post(harness, id, query));
      expect(problem).toMatchObject({ code, status });
    }),
  );

  it('is refused and changes nothing, when the configured place is gone', () =>
    inHarness(
      async (harness) => {
        const id = await jobWithUnknown(harness);
        expect(await problemOf(await post(harness, id))).toMatchObject({ code: 'log_unreadable' });
        expect(await harness.store.ledger.account(id)).toMatchObject({ unknown: 1_000_000n });
      },
      { providerLog: createInvocationLog({ place: join(tmpdir(), 'plot-absent', 'log.jsonl') }) },
    ));

  it('answers 404, when there is no such job', () =>
    inHarness(async (harness) => {
      expect(await problemOf(await post(harness, 'job_x'))).toMatchObject({
        code: 'job_not_found',
      });
    }));
});

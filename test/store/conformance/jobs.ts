import { describe, expect, it } from 'vitest';
import type { JobSpec, JobStatus, Output } from '#domain/job.ts';
import { BadCursor, type Jobs, type NewJob, type StatusChange } from '#store/contract.ts';
import { inStores, type MakePlace } from './place.ts';

const at = '2026-01-02T03:04:05.678Z';

/** What every Jobs does, whatever it is made of. */
export function jobsConformance(makePlace: MakePlace): void {
  describe('create', () => {
    it('the job is kept as it was asked for', () =>
      inStores(makePlace, async (store, other) => {
        const asked = newJob('a');
        const created = await store.jobs.create(asked);
        expect(created).toEqual({
          kind: 'created',
          job: {
            id: 'a',
            spec,
            status: 'validating',
            statusSeq: 0,
            waiting: null,
            failure: null,
            warnings: ['one'],
            progress: none,
            output: null,
            createdAt: at,
            startedAt: null,
            endedAt: null,
          },
        });
        expect(await other.jobs.get('a')).toEqual(created.job);
        expect(await other.jobs.get('b')).toBeNull();
      }));

    it('one of several processes creates the job, when they use the same key', () =>
      inStores(makePlace, async (store, other) => {
        const idempotency = { key: 'k', requestSha256: 'same' };
        const ids = ['a', 'b', 'c', 'd'];
        const answers = await Promise.all(
          ids.map((id, index) =>
            (index % 2 === 0 ? store : other).jobs.create({ ...newJob(id), idempotency }),
          ),
        );
        expect(answers.map((one) => one.kind).sort()).toEqual([
          'created',
          'existing',
          'existing',
          'existing',
        ]);
        expect(new Set(answers.map((one) => one.job.id)).size).toBe(1);
      }));

    it('the first job is answered as mismatch, when the key comes with another request', () =>
      inStores(makePlace, async (store) => {
        await store.jobs.create({ ...newJob('a'), idempotency: { key: 'k', requestSha256: '1' } });
        const again = { ...newJob('b'), idempotency: { key: 'k', requestSha256: '2' } };
        expect(await store.jobs.create(again)).toMatchObject({
          kind: 'mismatch',
          job: { id: 'a' },
        });
        expect(await store.jobs.get('b')).toBeNull();
      }));

    it('the standing job is answered, when the id is taken', () =>
      inStores(makePlace, async (store) => {
        await store.jobs.create(newJob('a'));
        const again = await store.jobs.create({ ...newJob('a'), warnings: ['other'] });
        expect(again).toMatchObject({ kind: 'existing', job: { warnings: ['one'] } });
      }));
  });

  describe('list', () => {
    it('every page is newest first and no job is named twice, when jobs are as old as others', () =>
      inStores(makePlace, async (store) => {
        for (const [id, minute] of [
          ['a', 1],
          ['b', 2],
          ['c', 2],
          ['d', 2],
          ['e', 3],
        ] as const) {
          await store.jobs.create({ ...newJob(id), createdAt: `2026-01-02T03:0${minute}:00.000Z` });
        }
        expect(await idsByPage(store.jobs, 2, null)).toEqual([['e', 'd'], ['c', 'b'], ['a']]);
        expect(await idsByPage(store.jobs, 5, null)).toEqual([['e', 'd', 'c', 'b', 'a']]);
      }));

    it('only jobs of the status are named, when one is asked for', () =>
      inStores(makePlace, async (store) => {
        for (const id of ['a', 'b', 'c']) await store.jobs.create(newJob(id));
        await store.jobs.changeStatus('b', change('running', 1));
        expect(await idsByPage(store.jobs, 1, 'validating')).toEqual([['c'], ['a']]);
        expect(await idsByPage(store.jobs, 1, 'running')).toEqual([['b']]);
        expect(await idsByPage(store.jobs, 1, 'failed')).toEqual([[]]);
      }));

    it('a cursor that no page gave is refused', () =>
      inStores(makePlace, async (store) => {
        const asked = store.jobs.list({ limit: 1, after: 'made-up', status: null });
        await expect(asked).rejects.toBeInstanceOf(BadCursor);
      }));
  });

  describe('changeStatus', () => {
    const waiting = { kind: 'paused', detail: 'Paused by a person.', since: at } as const;
    const failure = { kind: 'model-not-found', message: 'no such model' } as const;

    it.each([
      { outcome: 'done', to: 'paused', seq: 2, why: 'the next number and a legal move' },
      { outcome: 'done', to: 'running', seq: 1, why: 'the same change again' },
      { outcome: 'refused', to: 'paused', seq: 1, why: 'the same number with another status' },
      {
        outcome: 'done',
        to: 'paused',
        seq: 3,
        why: 'a number beyond the next: those between were given up',
      },
      { outcome: 'refused', to: 'paused', seq: 0, why: 'an old number' },
      { outcome: 'refused', to: 'completed', seq: 2, why: 'an illegal move' },
    ] as const)('from running (1) to $to ($seq) is $outcome: $why', ({ outcome, to, seq }) =>
      inStores(makePlace, async (store, other) => {
        await store.jobs.create(newJob('a'));
        await store.jobs.changeStatus('a', change('running', 1));
        const before = await store.jobs.get('a');
        const answer = await other.jobs.changeStatus('a', { ...change(to, seq), waiting });
        expect(answer.kind).toBe(outcome);
        const isChanged = outcome === 'done' && to === 'paused';
        const expected = isChanged ? { ...before, status: to, statusSeq: seq, waiting } : before;
        expect(answer.job).toEqual(expected);
        expect(await store.jobs.get('a')).toEqual(expected);
      }),
    );

    it('the job says when it first ran, when it ended and why', () =>
      inStores(makePlace, async (store) => {
        await store.jobs.create(newJob('a'));
        await store.jobs.changeStatus('a', { ...change('running', 1), at: 'first' });
        await store.jobs.changeStatus('a', { ...change('paused', 2), at: 'second', waiting });
        await store.jobs.changeStatus('a', { ...change('running', 3), at: 'third' });
        await store.jobs.changeStatus('a', { ...change('failed', 4), at: 'fourth', failure });
        expect(await store.jobs.get('a')).toMatchObject({
          startedAt: 'first',
          endedAt: 'fourth',
          failure,
          waiting: null,
          statusSeq: 4,
        });
      }));

    it('one of two processes changes it, when both carry the same number', () =>
      inStores(makePlace, async (store, other) => {
        await store.jobs.create(newJob('a'));
        const outcomes = await Promise.all([
          store.jobs.changeStatus('a', change('running', 1)),
          other.jobs.changeStatus('a', change('cancelling', 1)),
        ]);
        expect(outcomes.map((one) => one.kind).sort()).toEqual(['done', 'refused']);
      }));
  });

  describe('setWaiting and setOutput', () => {
    const waiting = { kind: 'throttled', detail: 'Slowed down.', since: at } as const;

    it('what was set stands until it is set again', () =>
      inStores(makePlace, async (store, other) => {
        await store.jobs.create(newJob('a'));
        await store.jobs.setWaiting('a', waiting);
        expect((await other.jobs.get('a'))?.waiting).toEqual(waiting);
        await store.jobs.setWaiting('a', null);
        expect((await other.jobs.get('a'))?.waiting).toBeNull();
        await store.jobs.setOutput('a', exportOf(1, 1));
        expect((await other.jobs.get('a'))?.output).toEqual(exportOf(1, 1));
      }));

    it.each([
      { late: exportOf(3, 1), verdict: 'stands: a newer export' },
      { late: exportOf(2, 3), verdict: 'stands: a newer attempt' },
      { late: exportOf(2, 2), verdict: 'stands: the same again' },
      { late: exportOf(2, 1), verdict: 'does nothing: an older attempt' },
      { late: exportOf(1, 9), verdict: 'does nothing: an older export' },
    ])('export $late.number-$late.attempt after export 2-2 $verdict', ({ late, verdict }) =>
      inStores(makePlace, async (store, other) => {
        await store.jobs.create(newJob('a'));
        await store.jobs.setOutput('a', exportOf(2, 2));
        await other.jobs.setOutput('a', late);
        const standing = verdict.startsWith('stands') ? late : exportOf(2, 2);
        expect((await store.jobs.get('a'))?.output).toEqual(standing);
      }),
    );

    it('an ended job does not wait, when a late worker says so', () =>
      inStores(makePlace, async (store) => {
        await store.jobs.create(newJob('a'));
        await store.jobs.changeStatus('a', change('failed', 1));
        await store.jobs.setWaiting('a', waiting);
        expect((await store.jobs.get('a'))?.waiting).toBeNull();
      }));
  });

  describe('recordBatch', () => {
    it('the progress is the sum over the batches, when two processes record them over and over', () =>
      inStores(makePlace, async (store, other) => {
        await store.jobs.create(newJob('a'));
        await store.jobs.create(newJob('b'));
        const record = async (jobs: Jobs, batch: number): Promise<void> => {
          for (const calls of [1, 9, 5]) {
            await jobs.recordBatch('a', `${batch}`, {
              accepted: batch,
              rejected: 1,
              failed: 2,
              calls,
            });
          }
        };
        const batches = Array.from({ length: 8 }, (_, batch) => batch);
        await Promise.all(
          batches.flatMap((batch) => [record(store.jobs, batch), record(other.jobs, batch)]),
        );
        const progress = { accepted: 28, rejected: 8, failed: 16, calls: 72 };
        expect((await store.jobs.get('a'))?.progress).toEqual(progress);
        expect((await store.jobs.get('b'))?.progress).toEqual(none);
      }));

    it.each([
      { told: { accepted: 2, rejected: 0, failed: 2, calls: 1 }, verdict: 'kept: more records' },
      { told: { accepted: 1, rejected: 1, failed: 1, calls: 5 }, verdict: 'kept: as many calls' },
      { told: { accepted: 2, rejected: 0, failed: 1, calls: 4 }, verdict: 'dropped: fewer calls' },
      {
        told: { accepted: 2, rejected: 0, failed: 0, calls: 9 },
        verdict: 'dropped: fewer records',
      },
    ])('a late report of $told after 3 records and 5 calls is $verdict', ({ told, verdict }) =>
      inStores(makePlace, async (store, other) => {
        const known = { accepted: 3, rejected: 0, failed: 0, calls: 5 };
        await store.jobs.create(newJob('a'));
        await store.jobs.recordBatch('a', '0', known);
        await other.jobs.recordBatch('a', '0', told);
        const progress = verdict.startsWith('kept') ? told : known;
        expect((await store.jobs.get('a'))?.progress).toEqual(progress);
      }),
    );

    it('nothing is stored, when a count is negative', () =>
      inStores(makePlace, async (store) => {
        await store.jobs.create(newJob('a'));
        await expect(store.jobs.recordBatch('a', '0', { ...none, calls: -1 })).rejects.toThrow(
          'calls',
        );
        expect((await store.jobs.get('a'))?.progress).toEqual(none);
      }));
  });

  it.each([
    { name: 'changeStatus', call: (jobs: Jobs) => jobs.changeStatus('x', change('running', 1)) },
    { name: 'setWaiting', call: (jobs: Jobs) => jobs.setWaiting('x', null) },
    { name: 'recordBatch', call: (jobs: Jobs) => jobs.recordBatch('x', '0', none) },
    {
      name: 'setOutput',
      call: (jobs: Jobs) => jobs.setOutput('x', exportOf(1, 1)),
    },
  ])('$name: rejects and stores nothing, when the job does not exist', ({ call }) =>
    inStores(makePlace, async (store) => {
      await expect(call(store.jobs)).rejects.toThrow('job "x" does not exist');
      await store.jobs.create(newJob('x'));
      expect((await store.jobs.get('x'))?.progress).toEqual(none);
    }),
  );
}

const none = { accepted: 0, rejected: 0, failed: 0, calls: 0 };

const spec: JobSpec = {
  template: { id: 'tpl_1', name: 'film-blurbs', sha256: 'aa' },
  seeds: { id: 'seeds_1', sha256: 'bb', rows: 3 },
  records: 10,
  jobSeed: 42,
  model: null,
  concurrency: 8,
  undefinedMode: 'error',
  provider: 'simulator',
  sha256: 'cc',
};

function newJob(id: string): NewJob {
  return { id, spec, warnings: ['one'], createdAt: at, idempotency: null };
}

function change(to: JobStatus, seq: number): StatusChange {
  return { to, seq, at, waiting: null, failure: null };
}

async function idsByPage(jobs: Jobs, limit: number, status: JobStatus | null): Promise<string[][]> {
  const pages: string[][] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<Jobs['list']>> = await jobs.list({ limit, after, status });
    pages.push(page.items.map((job) => job.id));
    after = page.next;
  } while (after !== null && pages.length < 20);
  return pages;
}

function exportOf(number: number, attempt: number): Output {
  return {
    number,
    attempt,
    prefix: `exports/a/${number}-${attempt}`,
    manifestSha256: 'ff',
    files: [{ path: 'records.jsonl', bytes: 3, sha256: 'aa' }],
  };
}

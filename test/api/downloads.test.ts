import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createdJob, createHarness, type Harness, jobOf, problemOf } from './harness.ts';

let harness: Harness;
let id: string;
beforeEach(async () => {
  harness = await createHarness();
  id = (await createdJob(harness)).id;
});
afterEach(() => harness.stop());

const records = '{"record":0}\n{"record":1}\n';

async function exported(): Promise<void> {
  const prefix = `exports/${id}/1`;
  await harness.store.objects.put(`${prefix}/records.jsonl`, new TextEncoder().encode(records));
  await harness.store.objects.put(`${prefix}/manifest.json`, new TextEncoder().encode('{}'));
  const files = [{ path: 'records.jsonl', bytes: records.length, sha256: 'a'.repeat(64) }];
  await harness.store.jobs.setOutput(id, {
    number: 1,
    attempt: 1,
    prefix,
    manifestSha256: 'b'.repeat(64),
    files,
  });
}

describe('download', () => {
  it.each(['', '/records.jsonl'])(
    'records: are answered byte for byte, at download%s',
    async (path) => {
      await exported();
      const answer = await harness.app.request(`/v1/jobs/${id}/download${path}`);
      expect(await answer.text()).toBe(records);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/x-ndjson',
        'content-length': String(records.length),
        'content-disposition': `attachment; filename="${id}-records.jsonl"`,
        'x-plot-provider': 'simulator',
        etag: `"${'a'.repeat(64)}"`,
      });
    },
  );

  it('manifest: is JSON, though no manifest lists itself', async () => {
    await exported();
    const answer = await harness.app.request(`/v1/jobs/${id}/download/manifest.json`);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.text()).toBe('{}');
  });

  it('job: shows its files, when it has exported', async () => {
    await exported();
    const job = await jobOf(await harness.app.request(`/v1/jobs/${id}`));
    expect(job.output).toEqual({
      manifest_sha256: 'b'.repeat(64),
      files: [{ path: 'records.jsonl', bytes: records.length, sha256: 'a'.repeat(64) }],
    });
  });

  it.each([
    { file: '', code: 'no_output' },
    { file: '/manifest.json', code: 'no_output' },
    { file: '/secrets.txt', code: 'file_not_found' },
    { file: '/..%2f..%2fplot.db', code: 'file_not_found' },
    { file: '/constructor', code: 'file_not_found' },
  ])('download$file: is answered 404 as $code before any export', async ({ file, code }) => {
    const answer = await harness.app.request(`/v1/jobs/${id}/download${file}`);
    const problem = await problemOf(answer);
    expect([answer.status, problem.code]).toEqual([404, code]);
    if (code === 'no_output') expect(problem.detail).toContain('validating');
  });

  it('file: is answered 404, when the export has none', async () => {
    await exported();
    const answer = await harness.app.request(`/v1/jobs/${id}/download/failures.jsonl`);
    expect([answer.status, (await problemOf(answer)).code]).toEqual([404, 'file_not_found']);
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApiClient } from '#cli/api-client.ts';
import { deliverOutput } from '#cli/output-folder.ts';
import { verifyFolder } from '#cli/verify.ts';
import { writeDataset } from './dataset.ts';

type Download = ApiClient['download'];

/** A client that downloads from a folder; everything else throws. */
function clientOf(download: Download): ApiClient {
  const parts: Partial<ApiClient> = { download, revive: async () => {} };
  return parts as ApiClient;
}

function downloadFrom(folder: string): Download {
  return async (_, file) => ReadableStream.from<Uint8Array>([readFileSync(join(folder, file))]);
}

function newParent(): string {
  return mkdtempSync(join(tmpdir(), 'plot-out-'));
}

const files = ['failures.jsonl', 'manifest.json', 'provenance.jsonl', 'records.jsonl'];

describe('deliverOutput', () => {
  it('output: four verified files and nothing else, when the folder is new', async () => {
    const parent = newParent();
    const folder = join(parent, 'deep', 'story');
    const delivery = await deliverOutput(clientOf(downloadFrom(writeDataset())), 'job_2', folder);
    expect(delivery).toEqual({ folder, files: 4, replaced: null });
    expect(readdirSync(folder).sort()).toEqual(files);
    expect(readdirSync(join(parent, 'deep'))).toEqual(['story']);
    await verifyFolder(folder);
  });

  it('output: replaced and told, when a dataset of another job stands there', async () => {
    const folder = writeDataset(9);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const delivery = await deliverOutput(clientOf(downloadFrom(writeDataset())), 'job_2', folder);
    expect(delivery.replaced).toBe('job_01K00000000000000000000000');
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    expect((await verifyFolder(folder)).manifest.status).toBe('completed');
  });

  it('output: delivered, when an earlier delivery was cut off between its files', async () => {
    const folder = join(newParent(), 'story');
    mkdirSync(folder);
    writeFileSync(join(folder, 'records.jsonl'), 'half');
    await deliverOutput(clientOf(downloadFrom(writeDataset())), 'job_2', folder);
    expect((await verifyFolder(folder)).manifest.records.accepted).toBe(10);
  });

  it('output: untouched and refused, when other files stand there', async () => {
    const folder = newParent();
    writeFileSync(join(folder, 'thesis.docx'), 'years of work');
    const client = clientOf(() => Promise.reject(new Error('nothing is to be downloaded')));
    await expect(deliverOutput(client, 'job_2', folder)).rejects.toMatchObject({
      code: 'foreign_folder',
      exitCode: 2,
    });
    expect(readdirSync(folder)).toEqual(['thesis.docx']);
  });

  it('output: the old dataset stays, when the new one does not verify', async () => {
    const folder = writeDataset(9);
    const fresh = writeDataset();
    writeFileSync(join(fresh, 'records.jsonl'), '');
    await expect(
      deliverOutput(clientOf(downloadFrom(fresh)), 'job_2', folder),
    ).rejects.toMatchObject({ exitCode: 6 });
    expect((await verifyFolder(folder)).manifest.status).toBe('budget_exhausted');
  });

  it('output: whole, when a newer export was made between two downloads', async () => {
    const exports = [writeDataset(9), writeDataset()];
    let downloads = 0;
    const mixed: Download = (id, file) => {
      downloads += 1;
      return downloadFrom(exports[downloads <= 2 ? 0 : 1] ?? '')(id, file);
    };
    const folder = join(newParent(), 'story');
    await deliverOutput(clientOf(mixed), 'job_2', folder);
    expect((await verifyFolder(folder)).manifest.status).toBe('completed');
  });

  it('output: whole, when a download breaks off in the middle', async () => {
    const source = writeDataset();
    let downloads = 0;
    const broken: Download = async (id, file) => {
      downloads += 1;
      if (downloads !== 2) return downloadFrom(source)(id, file);
      async function* half() {
        yield new Uint8Array(readFileSync(join(source, file)).subarray(0, 10));
        throw new TypeError('terminated');
      }
      return ReadableStream.from<Uint8Array>(half());
    };
    const folder = join(newParent(), 'story');
    await deliverOutput(clientOf(broken), 'job_2', folder);
    expect((await verifyFolder(folder)).manifest.records.accepted).toBe(10);
  });
});

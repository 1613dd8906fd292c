import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CliError } from '#cli/cli-error.ts';
import { verifyFolder } from '#cli/verify.ts';
import type { JsonObject } from '#domain/json.ts';
import { writeDataset, writeManifest } from './dataset.ts';
import { runCli } from './run-cli.ts';

const dataFiles = ['records.jsonl', 'provenance.jsonl', 'failures.jsonl'];
const allFiles = [...dataFiles, 'manifest.json'];

/** What verification says of the folder; throws where it finds nothing. */
async function refusal(folder: string): Promise<CliError> {
  try {
    await verifyFolder(folder);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error(`${folder} was verified`);
}

function rewrite(folder: string, file: string, change: (text: string) => string): void {
  const path = join(folder, file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (before === after) throw new Error(`${file} was not changed`);
  writeFileSync(path, after);
}

function relines(folder: string, file: string, change: (lines: string[]) => string[]): void {
  rewrite(folder, file, (text) =>
    change(text.trimEnd().split('\n'))
      .map((line) => `${line}\n`)
      .join(''),
  );
}

describe('verifyFolder: what was delivered', () => {
  it.each([
    { ended: 12, when: 'all records have ended' },
    { ended: 9, when: 'the job was stopped for money' },
    { ended: 0, when: 'nothing was begun' },
  ])('verify: holds, when $when', async ({ ended }) => {
    const { manifest } = await verifyFolder(writeDataset(ended));
    expect(manifest.records).toMatchObject({ requested: 12, not_started: 12 - ended });
  });

  it('verify: holds, when the records that have ended are not the first ones', async () => {
    // Batches run beside each other; a stopped job leaves gaps.
    const { manifest } = await verifyFolder(writeDataset([0, 3, 4, 9]));
    expect(manifest.records).toMatchObject({ accepted: 3, failed: 1, not_started: 8 });
  });
});

describe('verifyFolder: any bit', () => {
  it.each(allFiles)('verify: refused, whichever bit of %s is flipped', async (file) => {
    const folder = writeDataset();
    const path = join(folder, file);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 3) {
      // The bit that its place chooses: all eight are met, many times, in every kind of text.
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
      writeFileSync(path, flipped);
      const error = await refusal(folder);
      expect(error.exitCode, `byte ${at}`).toBe(6);
    }
    writeFileSync(path, bytes);
    await verifyFolder(folder);
  });

  it.each(allFiles)('verify: refused, wherever %s is cut', async (file) => {
    const folder = writeDataset();
    const path = join(folder, file);
    const bytes = readFileSync(path);
    // The manifest's last line break is no part of what it says.
    const cuts = file === 'manifest.json' ? bytes.length - 1 : bytes.length;
    for (let length = 0; length < cuts; length += 37) {
      writeFileSync(path, bytes.subarray(0, length));
      expect((await refusal(folder)).message, `${length} bytes`).toContain(file.split('.')[0]);
    }
  });
});

describe('verifyFolder: lines', () => {
  it.each([
    { file: 'records.jsonl', line: 4, change: 'dropped' },
    { file: 'provenance.jsonl', line: 5, change: 'dropped' },
    { file: 'failures.jsonl', line: 1, change: 'dropped' },
    { file: 'records.jsonl', line: 4, change: 'swapped' },
    { file: 'provenance.jsonl', line: 5, change: 'swapped' },
    { file: 'failures.jsonl', line: 1, change: 'swapped' },
    { file: 'records.jsonl', line: 5, change: 'doubled' },
    { file: 'provenance.jsonl', line: 5, change: 'doubled' },
    { file: 'failures.jsonl', line: 2, change: 'doubled' },
    { file: 'records.jsonl', line: 5, change: 'emptied' },
  ])(
    'verify: names $file line $line, when the line there is $change',
    async ({ file, line, change }) => {
      const folder = writeDataset();
      relines(folder, file, (lines) => {
        switch (change) {
          case 'dropped':
            return lines.toSpliced(line - 1, 1);
          case 'swapped':
            return lines.with(line - 1, lines[line] ?? '').with(line, lines[line - 1] ?? '');
          case 'doubled':
            return lines.toSpliced(line - 1, 0, lines[line - 2] ?? '');
          default:
            return lines.toSpliced(line - 1, 0, '');
        }
      });
      const { message, exitCode } = await refusal(folder);
      expect({ exitCode, start: message.slice(0, `${file} line ${line}:`.length) }).toEqual({
        exitCode: 6,
        start: `${file} line ${line}:`,
      });
    },
  );

  it.each([
    { file: 'records.jsonl', end: 'records.jsonl: a line is missing at the end' },
    { file: 'failures.jsonl', end: 'failures.jsonl: a line is missing at the end' },
    { file: 'provenance.jsonl', end: 'failures.jsonl line 2: no line of provenance.jsonl' },
  ])('verify: says so, when the last line of $file is dropped', async ({ file, end }) => {
    const folder = writeDataset();
    relines(folder, file, (lines) => lines.slice(0, -1));
    expect((await refusal(folder)).message).toContain(end);
  });

  it('verify: names the line, when its last line break is lost', async () => {
    const folder = writeDataset();
    rewrite(folder, 'records.jsonl', (text) => text.slice(0, -1));
    expect((await refusal(folder)).message).toContain(
      'records.jsonl line 10: the file ends in the middle',
    );
  });

  it('verify: names the line and both sums, when a call costs more than its record', async () => {
    const folder = writeDataset();
    rewrite(folder, 'provenance.jsonl', (text) =>
      text.replace('"cost_usd":"0.0001"', '"cost_usd":"0.0002"'),
    );
    expect((await refusal(folder)).message).toBe(
      'provenance.jsonl line 1: cost_usd is 0.0002; its calls add up to 0.0001.',
    );
  });

  it('verify: says where the change must be, when only a text was changed', async () => {
    const folder = writeDataset();
    rewrite(folder, 'records.jsonl', (text) => text.replace('Süß 5', 'Süß 6'));
    expect((await refusal(folder)).message).toMatch(
      /^records\.jsonl: its SHA-256 .* inside a text\.$/,
    );
  });

  it.each(dataFiles)('verify: says so, when %s is missing', async (file) => {
    const folder = writeDataset();
    rmSync(join(folder, file));
    expect((await refusal(folder)).message).toBe(
      `${file}: the file is missing; manifest.json lists it.`,
    );
  });
});

describe('verifyFolder: the manifest', () => {
  it('verify: refused, when it was edited and kept its digest', async () => {
    const folder = writeDataset();
    rewrite(folder, 'manifest.json', (text) => text.replace('"accepted": 10', '"accepted": 11'));
    expect((await refusal(folder)).message).toContain('it was changed after it was written');
  });

  const changes: { what: string; says: string; edit: (manifest: JsonObject) => JsonObject }[] = [
    {
      what: 'counts that do not add up',
      says: 'records.requested is 13',
      edit: (it) => ({ ...it, records: { ...part(it, 'records'), requested: 13 } }),
    },
    {
      what: 'counts that no file has',
      says: 'records.accepted is 11; the files have 10',
      edit: (it) => ({ ...it, records: { ...part(it, 'records'), accepted: 11, failed: 1 } }),
    },
    {
      what: 'a limit that does not add up',
      says: 'cost.limit is 2.00',
      edit: (it) => ({ ...it, cost: { ...part(it, 'cost'), limit: '2.00' } }),
    },
    {
      what: 'spent money that does not add up',
      says: 'cost.spent is 0.0024; in_records + not_used is 0.0034',
      edit: (it) => ({ ...it, cost: { ...part(it, 'cost'), not_used: '0.002' } }),
    },
    {
      what: 'costs that no file has',
      says: 'cost.in_records is 0.0015; provenance.jsonl adds up to 0.0014',
      edit: (it) => ({
        ...it,
        cost: { ...part(it, 'cost'), in_records: '0.0015', not_used: '0.0009' },
      }),
    },
    {
      what: 'calls that no file has',
      says: 'calls is 15; the files have 14',
      edit: (it) => ({ ...it, calls: 15 }),
    },
    { what: 'an unknown field', says: 'extra', edit: (it) => ({ ...it, extra: 1 }) },
    {
      what: 'another version',
      says: 'schema_version',
      edit: (it) => ({ ...it, schema_version: 2 }),
    },
    { what: 'a file too few', says: 'files', edit: (it) => ({ ...it, files: [] }) },
    {
      what: 'another job’s records',
      says: 'provenance.jsonl line 1: id is',
      edit: (it) => ({ ...it, spec_sha256: '0'.repeat(64) }),
    },
  ];

  it.each(changes)(
    'verify: refused with the values, when it says $what with a fitting digest',
    async ({ says, edit }) => {
      expect((await refusal(writeDataset(12, edit))).message).toContain(says);
    },
  );

  it('verify: refused, when it lists bytes that the file has not', async () => {
    const folder = writeDataset();
    const { manifest_sha256: _, ...manifest } = JSON.parse(
      readFileSync(join(folder, 'manifest.json'), 'utf8'),
    );
    manifest.files[0].bytes += 1;
    writeManifest(folder, manifest);
    expect((await refusal(folder)).message).toMatch(
      /^records\.jsonl: bytes: it has \d+; manifest\.json says/,
    );
  });
});

function part(manifest: JsonObject, name: string): JsonObject {
  return manifest[name] as JsonObject;
}

describe('plot verify', () => {
  it('verify: one line and exit 0, when everything holds', async () => {
    const end = await runCli(['verify', writeDataset()]);
    expect(end).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /^Verified: 10 accepted and 2 failed of 12 records, 14 calls, .*\n$/,
      ),
    });
  });

  it('verify: one JSON result and exit 6, when something differs', async () => {
    const folder = writeDataset();
    relines(folder, 'records.jsonl', (lines) => lines.toSpliced(3, 1));
    const end = await runCli(['verify', folder, '--json']);
    expect({ code: end.code, events: end.events }).toMatchObject({
      code: 6,
      events: [{ type: 'result', status: 'error', error: { code: 'verification_failed' } }],
    });
  });

  it('verify: exit 6 and what to do, when there is no manifest', async () => {
    const folder = writeDataset();
    rmSync(join(folder, 'manifest.json'));
    const end = await runCli(['verify', folder]);
    expect(end).toMatchObject({ code: 6, stdout: '' });
    expect(end.stderr).toContain(`${folder} has no manifest.json`);
    expect(folder.startsWith(tmpdir())).toBe(true);
  });
});

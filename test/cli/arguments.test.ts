import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'plot-cli-'));
const template = join(folder, 'template.yaml');
const seeds = join(folder, 'seeds.json');
writeFileSync(template, 'template: {}\n');
writeFileSync(seeds, '[{"a":1}]\n');
writeFileSync(join(folder, 'thesis.docx'), 'years of work');
const home = join(folder, 'home');

const whole = ['run', template, '--seeds', seeds, '--records', '3', '--max-usd', '1'];

/** The arguments with the value of one option replaced. */
function withOption(name: string, value: string): string[] {
  const at = whole.indexOf(name);
  return at === -1 ? [...whole, name, value] : whole.with(at + 1, value);
}

describe('arguments', () => {
  it.each([
    { args: ['rum'], says: ['rum', 'run'], code: 'usage' },
    { args: ['run'], says: ['--seeds'], code: 'usage' },
    { args: whole.slice(0, -2), says: ['--max-usd'], code: 'usage' },
    { args: withOption('--records', '0'), says: ["'0'", '1 to 1000000'], code: 'usage' },
    { args: withOption('--records', '1000001'), says: ["'1000001'"], code: 'usage' },
    { args: withOption('--records', '1e3'), says: ["'1e3'", 'in digits'], code: 'usage' },
    { args: withOption('--max-usd', '0'), says: ["'0'", 'nothing is sent'], code: 'usage' },
    { args: withOption('--max-usd', '-1'), says: ['-1'], code: 'usage' },
    { args: withOption('--max-usd', '1,50'), says: ["'1,50'", 'one point'], code: 'usage' },
    {
      args: withOption('--seed', '4294967296'),
      says: ["'4294967296'", '4294967295'],
      code: 'usage',
    },
    { args: withOption('--concurrency', '1025'), says: ["'1025'", '1 to 1024'], code: 'usage' },
    { args: withOption('--workers', '0'), says: ["'0'", '1 to 16'], code: 'usage' },
    { args: withOption('--provider', 'openai'), says: ["'openai'", 'bedrock'], code: 'usage' },
    { args: withOption('--undefined', 'maybe'), says: ["'maybe'", 'error, empty'], code: 'usage' },
    {
      args: withOption('--seeds', '/no/such.json'),
      says: ['--seeds', '/no/such.json', 'not there'],
      code: 'no_file',
    },
    { args: whole.with(1, folder), says: ['TEMPLATE', 'a folder'], code: 'no_file' },
    {
      args: withOption('--out', folder),
      says: ['not overwritten', '--out'],
      code: 'foreign_folder',
    },
    { args: [...whole, '--fast'], says: ['--fast'], code: 'usage' },
    { args: ['show'], says: ['job'], code: 'usage' },
    { args: ['verify', '/no/such/folder'], says: ['/no/such/folder'], code: 'no_folder' },
  ])(
    'plot: exit 2 and one JSON error that says why, when given $args',
    async ({ args, says, code }) => {
      const end = await runCli([...args, '--json'], { PLOT_HOME: home, TEMPORAL_CLI: '/nowhere' });
      expect({ code: end.code, events: end.events }).toEqual({
        code: 2,
        events: [
          {
            type: 'result',
            status: 'error',
            error: { code, message: expect.any(String), details: [], hint: expect.any(String) },
          },
        ],
      });
      for (const text of says) expect(end.stdout + end.stderr).toContain(text);
    },
  );

  it('run: a foreign folder is left alone, when it is named as --out', async () => {
    const end = await runCli(withOption('--out', folder), { PLOT_HOME: home });
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toContain('thesis.docx');
  });

  it.each([
    { name: 'PLOT_PORT', value: 'http', says: 'PLOT_PORT is "http"' },
    { name: 'PLOT_PROVIDER', value: 'openai', says: 'PLOT_PROVIDER is "openai"' },
    { name: 'PLOT_API_URL', value: 'localhost', says: 'PLOT_API_URL is "localhost"' },
  ])('plot: exit 2 with the value seen, when $name is $value', async ({ name, value, says }) => {
    const end = await runCli(['jobs'], { PLOT_HOME: home, [name]: value });
    expect({ code: end.code, stdout: end.stdout }).toEqual({ code: 2, stdout: '' });
    expect(end.stderr).toContain(says);
  });
});

describe('help', () => {
  it.each([
    { args: ['-h'] },
    { args: ['run', '-h'] },
    { args: ['dev', '--help'] },
    { args: ['raise-budget', '-h'] },
    { args: ['verify', '-h'] },
  ])('plot $args: examples come first, when asked for help', async ({ args }) => {
    const end = await runCli(args);
    expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 0, stderr: '' });
    expect(end.stdout).toMatch(/^Examples:\n {2}\.\/plot /);
  });

  it('plot: help on stderr and exit 2, when nothing is asked for', async () => {
    const end = await runCli([]);
    expect({ code: end.code, stdout: end.stdout }).toEqual({ code: 2, stdout: '' });
    expect(end.stderr).toContain('Examples:');
  });

  it('plot --version: the version of package.json alone', async () => {
    const end = await runCli(['--version']);
    expect(end).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('no server', () => {
  it('jobs: exit 7 and what to do, when PLOT_API_URL is not answered', async () => {
    const end = await runCli(['jobs', '--json'], { PLOT_API_URL: 'http://127.0.0.1:1' });
    expect(end.code).toBe(7);
    expect(end.events).toMatchObject([
      { type: 'result', status: 'error', error: { code: 'no_server' } },
    ]);
  });

  it('show: exit 7 and what to do, when the Temporal CLI cannot be used', async () => {
    const env = { PLOT_HOME: home, TEMPORAL_CLI: '/no/temporal', TEMPORAL_ADDRESS: '' };
    const end = await runCli(['show', 'job_1', '--json'], env);
    expect(end.code).toBe(7);
    expect(end.events).toMatchObject([{ error: { code: 'temporal_missing' } }]);
    expect(end.stderr).toContain('npm run setup');
  });

  it('jobs: an empty list and nothing started, when there is no home yet', async () => {
    const end = await runCli(['jobs', '--json'], { PLOT_HOME: join(folder, 'absent') });
    expect({ code: end.code, events: end.events }).toEqual({
      code: 0,
      events: [{ type: 'result', status: 'ok', jobs: [] }],
    });
  });
});

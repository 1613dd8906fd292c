import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const tools = ['biome', 'oxlint', 'tsc', 'knip'];
const checksInAll =
  'packages, format, lint, lint fences, types, types of workflows, dead code'.split(', ').length;

let root: string;

/** A project whose every check passes: the real runner over tools that do nothing. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plot-palette-run-'));
  const bin = join(root, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(root, 'test', 'fences'), { recursive: true });
  cpSync(resolve('setup'), join(root, 'setup'), { recursive: true });
  for (const file of ['run.mjs', 'report.mjs'])
    copyFileSync(resolve('test', file), join(root, 'test', file));
  writeFileSync(join(root, 'test', 'fences', 'check-fences.mjs'), '');
  writeFileSync(join(root, 'package.json'), '{"type":"module","imports":{"#setup/*":"./setup/*"}}');
  const lock = JSON.stringify({
    packages: { 'node_modules/node': { version: process.version.slice(1) } },
  });
  writeFileSync(join(root, 'package-lock.json'), lock);
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), lock);
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const name of tools) tool(name, 'exit 0');
  vitest({ passed: 3, failed: 0 }, 0);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function tool(name: string, body: string): void {
  writeFileSync(join(root, 'node_modules', '.bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

/** A vitest that writes this report to where it is told to. */
function vitest(counts: { passed: number; failed: number }, exitCode: number): void {
  const report = {
    numPassedTests: counts.passed,
    numFailedTests: counts.failed,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [
      { status: 'passed', assertionResults: [{ status: counts.failed > 0 ? 'failed' : 'passed' }] },
    ],
  };
  const target = 'for word; do case $word in --outputFile.json=*) file=${word#*=};; esac; done';
  tool(
    'vitest',
    `${target}\ncat > "$file" <<'END'\n${JSON.stringify(report)}\nEND\nexit ${exitCode}`,
  );
}

function run(...args: string[]) {
  const done = spawnSync(process.execPath, ['test/run.mjs', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', TEMPORAL_ADDRESS: '127.0.0.1:1' },
  });
  return { code: done.status, last: done.stdout.trimEnd().split('\n').at(-1), all: done.stdout };
}

describe('npm test', () => {
  // Temporal counts as a step: it must be found before the tests that need it.
  const steps = checksInAll + 1;

  it.each([
    { when: 'all is well', arrange: () => {}, code: 0, last: `${steps + 3} passed, 0 failed` },
    {
      when: 'lint fails: later steps still run',
      arrange: () => tool('oxlint', 'exit 1'),
      code: 1,
      last: `${steps + 2} passed, 1 failed`,
    },
    {
      when: 'types fail: twice',
      arrange: () => tool('tsc', 'exit 2'),
      code: 1,
      last: `${steps + 1} passed, 2 failed`,
    },
    {
      when: 'tests fail',
      arrange: () => vitest({ passed: 3, failed: 2 }, 1),
      code: 1,
      last: `${steps + 3} passed, 2 failed`,
    },
    {
      when: 'vitest fails after all tests passed',
      arrange: () => vitest({ passed: 3, failed: 0 }, 1),
      code: 1,
      last: `${steps + 3} passed, 1 failed`,
    },
    {
      when: 'vitest is killed and writes nothing',
      arrange: () => tool('vitest', 'kill -9 $$'),
      code: 1,
      last: `${steps} passed, 1 failed`,
    },
    {
      when: 'a tool is missing',
      arrange: () => rmSync(join(root, 'node_modules', '.bin', 'knip')),
      code: 1,
      last: `${steps + 2} passed, 1 failed`,
    },
    {
      when: 'there is no package-lock.json',
      arrange: () => rmSync(join(root, 'package-lock.json')),
      code: 1,
      last: '0 passed, 1 failed',
    },
  ])('ends with "$last" and exit code $code, when $when', ({ arrange, code, last }) => {
    arrange();
    expect(run()).toMatchObject({ code, last });
  });

  it('leaves the tests out, when it is npm run check', () => {
    tool('vitest', 'exit 1');
    expect(run('--checks-only')).toMatchObject({
      code: 0,
      last: `${checksInAll} passed, 0 failed`,
    });
  });

  it('names the step that failed', () => {
    tool('biome', 'exit 1');
    expect(run('--checks-only').all).toMatch(/^FAILED format /m);
  });
});

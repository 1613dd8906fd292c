import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const mainFile = `
if (process.argv[2] === 'wait') {
  process.on('SIGTERM', () => process.exit(42));
  setInterval(() => {}, 1000);
  console.log('waiting');
} else {
  console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }));
  process.exitCode = 5;
}
`;

let folder: string;
let root: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'plot-palette-launcher-')));
  root = join(folder, 'project with a space');
  mkdirSync(join(root, 'cli'), { recursive: true });
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
  copyFileSync(resolve('plot'), join(root, 'plot'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'cli', 'main.ts'), mainFile);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Another place for a Node: a folder whose `node` calls itself this version and does nothing else. */
function fakeNode(version: string): string {
  const bin = join(folder, version);
  mkdirSync(bin);
  writeFileSync(join(bin, 'node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
  return bin;
}

const installNode = () => symlinkSync(process.execPath, join(root, 'node_modules', '.bin', 'node'));

describe('plot', () => {
  it.each([
    { when: 'called by its path', link: () => join(root, 'plot') },
    {
      when: 'called through an absolute link to a relative link',
      link: () => {
        symlinkSync('project with a space/plot', join(folder, 'one'));
        symlinkSync(join(folder, 'one'), join(folder, 'two'));
        return join(folder, 'two');
      },
    },
  ])('passes on arguments, folder and exit code, when $when', ({ link }) => {
    installNode();
    const run = spawnSync(link(), ['run', 'a b', '', '*'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: `${fakeNode('v20.1.0')}:/usr/bin:/bin` },
    });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toEqual({ args: ['run', 'a b', '', '*'], cwd: folder });
    expect(run.status).toBe(5);
  });

  it('uses a new enough Node of the system, when the packages are not installed', () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const run = spawnSync(join(root, 'plot'), ['x'], {
      encoding: 'utf8',
      env: { PATH: `${bin}:/usr/bin:/bin` },
    });
    expect(run.status).toBe(5);
  });

  it.each(['v20.19.0', 'v23.11.1'])('names npm run setup, when the only Node is %s', (version) => {
    const run = spawnSync(join(root, 'plot'), [], {
      encoding: 'utf8',
      env: { PATH: `${fakeNode(version)}:/usr/bin:/bin` },
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(new RegExp(`Node 24 or later; found: ${version}.*npm run setup`));
  });

  it('is the process that a signal reaches', async () => {
    installNode();
    const child = spawn(join(root, 'plot'), ['wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([42, null]);
  });
});

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cachedTemporalPath,
  checkBinary,
  findTemporal,
  pinnedServer,
} from '#setup/find-temporal.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plot-palette-find-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const banner = (server: string) => `temporal version 9.9.9 (Server ${server}, UI 2.50.1)`;

/** A command that answers `--version` with this text. */
function command(path: string, answer: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(path, mode);
  return path;
}

interface Machine {
  readonly address?: string;
  readonly named?: string;
  readonly path?: readonly string[];
  readonly cached?: string;
}

/** Lays out the commands of a machine (by their `--version` answers) and returns the environment that leads to them. */
function environment(machine: Machine): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    HOME: join(folder, 'home'),
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  if (machine.address !== undefined) env['TEMPORAL_ADDRESS'] = machine.address;
  if (machine.named !== undefined)
    env['TEMPORAL_CLI'] = command(join(folder, 'named'), machine.named);
  const folders = (machine.path ?? []).map((answer, index) =>
    dirname(command(join(folder, `path-${index}`, 'temporal'), answer)),
  );
  env['PATH'] = folders.join(':');
  if (machine.cached !== undefined) command(cachedTemporalPath(env), machine.cached);
  return env;
}

const everything: Machine = {
  address: 'host:7233',
  named: banner('1.31.1'),
  path: [banner('1.31.2')],
  cached: banner('1.31.3'),
};
const { address: _address, ...withoutAddress } = everything;
const { named: _named, ...withoutNamed } = withoutAddress;
const { path: _path, ...withoutPath } = withoutNamed;

describe('findTemporal', () => {
  it.each([
    {
      machine: everything,
      found: { kind: 'server', address: 'host:7233' },
      when: 'everything is there',
    },
    {
      machine: withoutAddress,
      found: { kind: 'binary', origin: 'TEMPORAL_CLI', server: '1.31.1' },
      when: 'no address is named',
    },
    {
      machine: withoutNamed,
      found: { kind: 'binary', origin: 'PATH', server: '1.31.2' },
      when: 'no path is named',
    },
    {
      machine: withoutPath,
      found: { kind: 'binary', origin: 'cache', server: '1.31.3' },
      when: 'PATH has none',
    },
    { machine: {}, found: { kind: 'missing', notes: [] }, when: 'there is none' },
    {
      machine: { address: '', named: banner('1.31.2') },
      found: { origin: 'TEMPORAL_CLI' },
      when: 'the address is empty',
    },
    {
      machine: { path: [banner('1.29.0'), banner('1.31.2')], cached: banner('1.31.2') },
      found: { origin: 'PATH', server: '1.29.0' },
      when: 'PATH has two: the first',
    },
    {
      machine: { path: [banner('1.28.9')], cached: banner('1.31.2') },
      found: { origin: 'cache', server: '1.31.2' },
      when: 'the one on PATH is too old',
    },
    {
      machine: { path: ['tctl version 1.18'], cached: banner('1.31.2') },
      found: { origin: 'cache' },
      when: 'the one on PATH is something else',
    },
    {
      machine: { cached: 'truncated' },
      found: { kind: 'missing' },
      when: 'the cached file is broken',
    },
    {
      machine: { named: banner('1.28.9'), path: [banner('1.31.2')] },
      found: { kind: 'refused' },
      when: 'the named one is too old, although PATH has a good one',
    },
  ])('answers $found, when $when', ({ machine, found }) => {
    expect(findTemporal(environment(machine))).toMatchObject(found);
  });

  it('says what it passed over and why, when the one on PATH is too old', () => {
    const found = findTemporal(environment({ path: [banner('1.28.9')], cached: banner('1.31.2') }));
    expect(found).toMatchObject({
      notes: [
        `${join(folder, 'path-0', 'temporal')} contains server 1.28.9; allowed are 1.29.0 and later`,
      ],
    });
  });

  it('refuses by name, when TEMPORAL_CLI names no file', () => {
    const named = join(folder, 'absent');
    const found = findTemporal({
      ...environment({ path: [banner('1.31.2')] }),
      TEMPORAL_CLI: named,
    });
    expect(found).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/TEMPORAL_CLI: .*absent.*ENOENT/),
    });
  });

  it('passes over a file without the run bit, when PATH has one', () => {
    const env = environment({ cached: banner('1.31.2') });
    const plain = command(join(folder, 'plain', 'temporal'), banner('1.31.2'), 0o644);
    expect(findTemporal({ ...env, PATH: dirname(plain) })).toMatchObject({ origin: 'cache' });
  });
});

describe('cachedTemporalPath', () => {
  it.each([
    { env: { XDG_CACHE_HOME: '/c', HOME: '/h' }, path: '/c/plot-palette/temporal-1.8.2/temporal' },
    { env: { HOME: '/h' }, path: '/h/.cache/plot-palette/temporal-1.8.2/temporal' },
    {
      env: { XDG_CACHE_HOME: '', HOME: '/h' },
      path: '/h/.cache/plot-palette/temporal-1.8.2/temporal',
    },
  ])('is $path, when the environment is $env', ({ env, path }) => {
    expect(cachedTemporalPath(env)).toBe(path);
  });
});

describe('checkBinary', () => {
  it.each([
    { answer: banner('1.28.99'), kind: 'unusable' },
    { answer: banner('1.29.0'), kind: 'usable' },
    { answer: banner('1.100.0'), kind: 'usable' },
    { answer: banner('2.0.0'), kind: 'usable' },
    { answer: banner('0.99.0'), kind: 'unusable' },
    { answer: `temporal version 0.0.0-DEV (Server ${pinnedServer}, UI 2.50.1)`, kind: 'usable' },
    { answer: 'temporal version 1.8.2', kind: 'unusable' },
  ])('is $kind, when --version answers $answer', ({ answer, kind }) => {
    expect(checkBinary(command(join(folder, 'temporal'), answer)).kind).toBe(kind);
  });
});

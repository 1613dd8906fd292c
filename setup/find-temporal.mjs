import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The Temporal CLI this project is built and measured with. */
export const temporalVersion = '1.8.2';

/** The server inside it. A CLI is judged by its server: one built by hand calls itself 0.0.0-DEV. */
export const pinnedServer = '1.31.2';

/** The oldest server that is accepted from TEMPORAL_CLI or PATH. */
const oldestServer = '1.29.0';

/**
 * Where Temporal comes from.
 *
 * - `server`: TEMPORAL_ADDRESS names a running one, nothing needs to be started;
 * - `binary`: a CLI that can start one, and where it was found;
 * - `refused`: TEMPORAL_CLI names one that cannot be used;
 * - `missing`: none found; `notes` say what was passed over and why.
 *
 * @typedef {{ kind: 'server', address: string }
 *   | { kind: 'binary', path: string, server: string, origin: 'TEMPORAL_CLI' | 'PATH' | 'cache', notes: string[] }
 *   | { kind: 'refused', reason: string }
 *   | { kind: 'missing', notes: string[] }} TemporalFound
 */

/**
 * Finds Temporal without installing anything, in this order: TEMPORAL_ADDRESS, TEMPORAL_CLI, `temporal` on PATH,
 * the project's cache folder. What the user named is never silently replaced by something else.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {TemporalFound}
 */
export function findTemporal(env = process.env) {
  if (env['TEMPORAL_ADDRESS']) return { kind: 'server', address: env['TEMPORAL_ADDRESS'] };
  if (env['TEMPORAL_CLI']) return named(env['TEMPORAL_CLI']);

  /** @type {string[]} */
  const notes = [];
  for (const [origin, path] of candidates(env)) {
    const check = checkBinary(path);
    if (check.kind === 'usable')
      return { kind: 'binary', path, server: check.server, origin, notes };
    notes.push(check.reason);
  }
  return { kind: 'missing', notes };
}

/**
 * `${XDG_CACHE_HOME:-~/.cache}/plot-palette/temporal-<version>/temporal`: outside of the clone, so that clones share it.
 *
 * @param {NodeJS.ProcessEnv} [env]
 */
export function cachedTemporalPath(env = process.env) {
  const cache = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  return join(cache, 'plot-palette', `temporal-${temporalVersion}`, 'temporal');
}

/**
 * Runs `<path> --version`: the file of another architecture, or a truncated one, fails here and not in the middle of a job.
 *
 * @param {string} path
 * @returns {{ kind: 'usable', server: string } | { kind: 'unusable', reason: string }}
 */
export function checkBinary(path) {
  const run = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  const server = /^temporal version .*\(Server (\d+\.\d+\.\d+)/m.exec(run.stdout ?? '')?.[1];
  if (server === undefined) {
    const seen = run.error?.message ?? `${run.stderr}${run.stdout}`.trim().split('\n')[0];
    return { kind: 'unusable', reason: `${path} is not the Temporal CLI; --version gave: ${seen}` };
  }
  if (isAtLeast(server, oldestServer)) return { kind: 'usable', server };
  return {
    kind: 'unusable',
    reason: `${path} contains server ${server}; allowed are ${oldestServer} and later`,
  };
}

/**
 * @param {string} path
 * @returns {TemporalFound}
 */
function named(path) {
  const check = checkBinary(path);
  if (check.kind === 'usable') {
    return { kind: 'binary', path, server: check.server, origin: 'TEMPORAL_CLI', notes: [] };
  }
  return {
    kind: 'refused',
    reason: `TEMPORAL_CLI: ${check.reason}. Correct the path or unset TEMPORAL_CLI.`,
  };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Array<['PATH' | 'cache', string]>}
 */
function candidates(env) {
  const onPath = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'temporal'))
    .find(isExecutableFile);
  const cached = cachedTemporalPath(env);
  /** @type {Array<['PATH' | 'cache', string]>} */
  const found = onPath === undefined ? [] : [['PATH', onPath]];
  return isExecutableFile(cached) ? [...found, ['cache', cached]] : found;
}

/** @param {string} path */
function isExecutableFile(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * @param {string} version
 * @param {string} oldest
 */
function isAtLeast(version, oldest) {
  const seen = version.split('.').map(Number);
  const least = oldest.split('.').map(Number);
  for (const [place, value] of least.entries()) {
    const own = seen[place] ?? 0;
    if (own !== value) return own > value;
  }
  return true;
}

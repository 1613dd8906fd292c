import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withLock } from './lock.mjs';

/**
 * Installs what package-lock.json names where it is not installed, Node 24 included (the package `node`
 * brings it to node_modules/.bin/node). Returns that Node's version. Throws with the fix when it cannot.
 *
 * @param {string} root folder of package.json
 * @param {(line: string) => void} log
 * @returns {Promise<string>}
 */
export async function ensurePackages(root, log) {
  const wanted = lockedVersions(root).get('node_modules/node');
  if (missingPackage(root) === null && localNodeVersion(root) === `v${wanted}`) return `v${wanted}`;
  return withLock(join(root, '.setup.lock'), log, () => {
    installPackages(root, log);
    return repairNode(root, `v${wanted}`, log);
  });
}

/**
 * The first package whose locked version is not the installed one, as `path@version`; null when there is none.
 * Compared by content and not by date: a checkout or an unrelated install changes dates, and a needless
 * `npm ci` would delete node_modules under running processes.
 *
 * @param {string} root
 * @returns {string | null}
 */
export function missingPackage(root) {
  const installed = versionsOf(readJson(join(root, 'node_modules', '.package-lock.json')));
  for (const [path, version] of lockedVersions(root)) {
    if (installed.get(path) !== version) return `${path}@${version}`;
  }
  return null;
}

/** @param {string} root */
function lockedVersions(root) {
  const lock = readJson(join(root, 'package-lock.json'));
  if (lock === null)
    throw new Error(`No package-lock.json in ${root}: run this inside a clone of the project.`);
  return versionsOf(lock);
}

/**
 * Optional packages are left out: they belong to other platforms.
 *
 * @param {any} lock
 * @returns {Map<string, string>}
 */
function versionsOf(lock) {
  const entries = Object.entries(lock?.packages ?? {}).filter(
    ([path, entry]) => path !== '' && !entry.optional && !entry.devOptional,
  );
  return new Map(entries.map(([path, entry]) => [path, entry.version]));
}

/** @param {string} path */
function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

/**
 * @param {string} root
 * @param {(line: string) => void} log
 */
function installPackages(root, log) {
  const missing = missingPackage(root);
  if (missing === null) return;
  log(`Packages: ${missing} is not installed; running npm ci`);
  if (npm(root, ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) return;
  throw new Error(
    'npm ci failed (its output is above). Check the network and `npm config get registry`, then repeat.',
  );
}

/**
 * npm 12, `ignore-scripts` and interrupted installs all leave the package `node` without its binary.
 *
 * @param {string} root
 * @param {string} wanted
 * @param {(line: string) => void} log
 */
function repairNode(root, wanted, log) {
  if (localNodeVersion(root) === wanted) return wanted;
  log(
    `Node: node_modules/.bin/node is not ${wanted}; running the install script of the package \`node\``,
  );
  npm(root, ['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts']);
  const found = localNodeVersion(root);
  if (found === wanted) return wanted;
  throw new Error(
    `node_modules/.bin/node is ${found ?? 'absent'}; ${wanted} is needed. ` +
      'Delete node_modules and run `npm run setup` again; where install scripts are forbidden, allow that of `node`.',
  );
}

/**
 * @param {string} root
 * @returns {string | null}
 */
function localNodeVersion(root) {
  const run = spawnSync(join(root, 'node_modules', '.bin', 'node'), ['--version'], {
    encoding: 'utf8',
  });
  return run.status === 0 ? run.stdout.trim() : null;
}

/**
 * Without this project's node_modules/.bin on PATH: npm would run on the very Node that it is about to replace.
 *
 * @param {string} root
 * @param {string[]} args
 */
function npm(root, args) {
  const own = join(root, 'node_modules', '.bin');
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== own);
  const env = { ...process.env, PATH: path.join(delimiter) };
  return spawnSync('npm', args, { cwd: root, env, stdio: ['ignore', 2, 2] }).status === 0;
}

import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { checkBinary, pinnedServer, temporalVersion } from './find-temporal.mjs';
import { withLock } from './lock.mjs';

const answerTimeoutMs = 10_000;
const downloadTimeoutMs = 600_000;
const progressEveryMs = 30_000;

/**
 * Puts the pinned Temporal CLI at `target`: from the official archive, or built with Go where that cannot be fetched.
 * Appears there whole or not at all. Throws with what to do when neither way works.
 *
 * @param {{
 *   target: string,
 *   archiveUrl: string,
 *   module: string,
 *   env: NodeJS.ProcessEnv,
 *   log: (line: string) => void,
 * }} request `module` is the folder of the go.mod to build
 * @returns {Promise<void>}
 */
export async function installTemporal(request) {
  const { target, log } = request;
  mkdirSync(dirname(target), { recursive: true });
  await withLock(`${dirname(target)}.lock`, log, async () => {
    // Another setup may have finished it while this one waited for the lock.
    if (existsSync(target) && checkBinary(target).kind === 'usable') return;
    const work = mkdtempSync(`${target}-new-`);
    try {
      const made = await obtain(request, work);
      renameSync(made, target);
      log(`Temporal: ${temporalVersion} is now at ${target}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}

/**
 * The official archive of this machine's platform.
 *
 * @param {string} [platform] as Node names it
 * @param {string} [arch] as Node names it
 */
export function archiveUrlOf(platform = process.platform, arch = process.arch) {
  const goArch = arch === 'x64' ? 'amd64' : arch;
  return `https://temporal.download/cli/archive/v${temporalVersion}?platform=${platform}&arch=${goArch}`;
}

/**
 * @param {Parameters<typeof installTemporal>[0]} request
 * @param {string} work
 * @returns {Promise<string>} path of the new binary, inside `work`
 */
async function obtain(request, work) {
  const { archiveUrl, log } = request;
  try {
    log(`Temporal: fetching ${archiveUrl}`);
    return await fetchArchive(archiveUrl, work);
  } catch (error) {
    log(`Temporal: the archive cannot be had (${reasonOf(error)}); building it with Go instead`);
  }
  return build(request, work);
}

/**
 * HTTPS and the server version that the binary prints vouch for it; the Go build below is held to go.sum.
 *
 * @param {string} url
 * @param {string} work
 */
async function fetchArchive(url, work) {
  const abort = new AbortController();
  const answerTimer = setTimeout(
    () => abort.abort(new Error('no answer in 10 s')),
    answerTimeoutMs,
  );
  const downloadTimer = setTimeout(
    () => abort.abort(new Error('not complete in 10 min')),
    downloadTimeoutMs,
  );
  const archive = join(work, 'archive.tar.gz');
  try {
    const response = await fetch(url, { signal: abort.signal });
    clearTimeout(answerTimer);
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    await pipeline(
      Readable.fromWeb(/** @type {any} */ (response.body)),
      createWriteStream(archive),
    );
  } finally {
    clearTimeout(answerTimer);
    clearTimeout(downloadTimer);
  }
  const unpacked = spawnSync('tar', ['-xzf', archive, '-C', work], { encoding: 'utf8' });
  if (unpacked.status !== 0)
    throw new Error(`tar: ${unpacked.error?.message ?? unpacked.stderr.trim()}`);
  return pinned(join(work, 'temporal'));
}

/**
 * @param {Parameters<typeof installTemporal>[0]} request
 * @param {string} work
 */
async function build({ module, env, log }, work) {
  const made = join(work, 'temporal');
  log(`Temporal: go build in ${module}; about 5 minutes on two cores, once per machine`);
  const args = [
    'build',
    '-trimpath',
    '-ldflags',
    `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${temporalVersion}`,
    '-o',
    made,
    'github.com/temporalio/cli/cmd/temporal',
  ];
  const started = Date.now();
  const progress = setInterval(() => {
    log(`Temporal: still building after ${Math.round((Date.now() - started) / 1000)} s`);
  }, progressEveryMs);
  try {
    await run('go', args, { cwd: module, env });
    return pinned(made);
  } catch (error) {
    throw new Error(
      `The Temporal CLI could not be had (${reasonOf(error)}). Do one of these, then repeat:\n` +
        '  - install it (https://docs.temporal.io/cli) so that `temporal` is on PATH, or name it: TEMPORAL_CLI=/path/to/temporal\n' +
        '  - name a running server: TEMPORAL_ADDRESS=host:7233\n' +
        '  - install Go 1.26.4 or later (https://go.dev/dl) and allow it to reach its module proxy\n' +
        `  - allow this machine to reach ${new URL(archiveUrlOf()).host}`,
    );
  } finally {
    clearInterval(progress);
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} where
 * @returns {Promise<void>}
 */
function run(command, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 2, 2] });
    child.once('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args[0]} ended with ${signal ?? code}`));
    });
  });
}

/** @param {string} path */
function pinned(path) {
  const check = checkBinary(path);
  if (check.kind === 'unusable') throw new Error(check.reason);
  if (check.server === pinnedServer) return path;
  throw new Error(`got a CLI with server ${check.server} where ${pinnedServer} was asked for`);
}

/** @param {unknown} error */
function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

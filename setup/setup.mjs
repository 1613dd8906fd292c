import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedTemporalPath, findTemporal, pinnedServer } from './find-temporal.mjs';
import { archiveUrlOf, installTemporal } from './install-temporal.mjs';
import { ensurePackages } from './packages.mjs';

/** The folder of package.json. */
export const root = resolve(fileURLToPath(import.meta.url), '..', '..');

/**
 * Finds Temporal, and installs the pinned CLI into the cache folder where there is none. Returns where it is, in words.
 * Throws with the fix when it cannot be had.
 *
 * @param {(line: string) => void} log
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string>}
 */
export async function ensureTemporal(log, env = process.env) {
  const found = findTemporal(env);
  if (found.kind === 'server') return `the server at ${found.address} (TEMPORAL_ADDRESS)`;
  if (found.kind === 'refused') throw new Error(found.reason);
  for (const note of found.notes) log(`Temporal: passed over: ${note}`);
  if (found.kind === 'binary') return `server ${found.server} at ${found.path} (${found.origin})`;

  const target = cachedTemporalPath(env);
  await installTemporal({
    target,
    archiveUrl: archiveUrlOf(),
    module: resolve(root, 'tools/temporal'),
    env,
    log,
  });
  return `server ${pinnedServer} at ${target} (cache)`;
}

/** @param {string} line */
function log(line) {
  process.stderr.write(`${line}\n`);
}

async function main() {
  const node = await ensurePackages(root, log);
  const temporal = await ensureTemporal(log);
  log(`Ready: Node ${node}, Temporal ${temporal}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    log(`Setup failed: ${error.message}`);
    process.exitCode = 1;
  });
}

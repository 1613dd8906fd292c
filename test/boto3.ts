import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const version = '1.43.107';
const installTimeoutMs = 5 * 60_000;

const run = promisify(execFile);

/**
 * The Python that has boto3, an SDK written by others in another language: made once in the project's
 * cache folder with `python3 -m venv` and pip. Rejects with what to install when that cannot be done.
 */
export async function pythonWithBoto3(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'plot-palette');
  const folder = join(cache, 'boto3-venv');
  const python = join(folder, 'bin', 'python');
  const isInstalled = join(folder, `boto3-${version}`);
  if (existsSync(isInstalled)) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  await step(
    'python3',
    ['-m', 'venv', folder],
    'Install Python 3.9 or later with its venv module.',
  );
  await step(
    python,
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `boto3==${version}`],
    'Check that pip can reach a package index.',
  );
  // Made last: a folder without it is one that an earlier run could not finish.
  mkdirSync(`${isInstalled}.new`);
  renameSync(`${isInstalled}.new`, isInstalled);
  return python;
}

async function step(command: string, given: string[], whatToDo: string): Promise<void> {
  try {
    await run(command, given, { timeout: installTimeoutMs });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`boto3 ${version} could not be installed: ${reason} ${whatToDo}`, { cause });
  }
}

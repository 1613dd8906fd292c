/**
 * The workflows as one file of code, made once for each state of their sources. Bundling takes a worker
 * two seconds and 150 MB; a worker that replaces a killed one should have neither to wait nor to carry it.
 * Run as a program, it makes the bundle whose path it is given.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const root = import.meta.dirname;
/** All that a bundle is made of: the workflows, the domain, and the SDK by its locked version. */
const sources = ['workflows', 'domain'];

if (import.meta.main) await makeBundle(process.argv[2] ?? '');

/** The path of the bundle of today's sources under this folder; made in a process of its own if absent. */
export async function workflowBundle(folder: string): Promise<string> {
  const path = join(folder, `workflows-${await digestOfSources()}.js`);
  if (await isThere(path)) return path;
  await mkdir(folder, { recursive: true });
  const child = spawn(process.execPath, [import.meta.filename, path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0)
    throw new Error(`the workflows could not be bundled: the bundler ended with ${code}`);
  return path;
}

async function makeBundle(path: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  // Two workers that start together both make it: the same bytes, each put in place whole.
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, path);
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of sources) {
    const names = (await readdir(join(root, folder))).filter((name) => name.endsWith('.ts'));
    for (const name of names.sort()) {
      hash.update(`${folder}/${name}\n`).update(await readFile(join(root, folder, name)));
    }
  }
  hash.update(await readFile(join(root, 'package-lock.json')));
  return hash.digest('hex').slice(0, 16);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

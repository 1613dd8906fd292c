// Everything that must hold before a change is taken: `npm test`; without the tests: `npm run check`.
// Plain JavaScript for Node 20: on a fresh clone it first installs what the rest runs on.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ensurePackages } from '#setup/packages.mjs';
import { ensureTemporal, root } from '#setup/setup.mjs';
import { countTests } from './report.mjs';

const bin = join(root, 'node_modules', '.bin');

const checks = [
  { name: 'format', command: 'biome', args: ['format', '.'] },
  { name: 'lint', command: 'oxlint', args: ['--ignore-pattern', 'test/fences/**'] },
  { name: 'lint fences', command: 'node', args: ['test/fences/check-fences.mjs'] },
  { name: 'types', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'types of workflows', command: 'tsc', args: ['-p', 'workflows/tsconfig.json'] },
  { name: 'dead code', command: 'knip', args: [] },
];

const total = { passed: 0, failed: 0 };
await main(process.argv.includes('--checks-only'));
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** @param {boolean} isWithoutTests */
async function main(isWithoutTests) {
  // Nothing else can run without the packages.
  if (!(await step('packages', () => isDone(ensurePackages(root, say))))) return;
  for (const { name, command, args } of checks) {
    await step(name, async () => (await run(command, args)) === 0);
  }
  if (isWithoutTests) return;
  await step('temporal', () => isDone(ensureTemporal(say)));
  await runTests();
}

/**
 * @param {string} name
 * @param {() => Promise<boolean>} work
 */
async function step(name, work) {
  const started = Date.now();
  const isPassed = await work();
  total[isPassed ? 'passed' : 'failed'] += 1;
  say(
    `${isPassed ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
  );
  return isPassed;
}

async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'plot-palette-tests-'));
  const file = join(folder, 'report.json');
  try {
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await run('vitest', args);
    const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
    const { passed, failed, skipped } = countTests(report, code === 0);
    if (report === null) say(`FAILED tests: vitest ended with ${code} and wrote no report`);
    if (skipped > 0) say(`${skipped} tests were skipped`);
    total.passed += passed;
    total.failed += failed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {Promise<unknown>} work */
async function isDone(work) {
  try {
    await work;
    return true;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return false;
  }
}

/**
 * Runs one of the installed tools under the installed Node, whatever Node started this.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<number>} its exit code; 1 when a signal ended it or it could not be started
 */
function run(command, args) {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
  return new Promise((resolve) => {
    const child = spawn(join(bin, command), args, { cwd: root, env, stdio: ['ignore', 1, 1] });
    child.once('error', (error) => {
      say(`${command}: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}

// A fence is a file that breaks a rule on purpose. A line that the linter must refuse ends with `// refused: <rule>`, or the
// line above it is that comment; the linter must refuse nothing else: a rule that stopped working, or that refuses what is allowed, is found here.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const fences = dirname(fileURLToPath(import.meta.url));
const root = join(fences, '..', '..');

const expected = new Set(fenceFiles().flatMap(refusalsIn));
const found = new Set(refusalsOfLinter());
const differences = [
  ...[...expected].filter((line) => !found.has(line)).map((line) => `not refused: ${line}`),
  ...[...found]
    .filter((line) => !expected.has(line))
    .map((line) => `refused although allowed: ${line}`),
  ...[...unfencedFolders()].map(
    (folder) => `no fence for the folder ${folder}/: write test/fences/${folder}/imports.ts`,
  ),
];

for (const difference of differences) process.stdout.write(`${difference}\n`);
process.stdout.write(`${expected.size} refusals expected, ${differences.length} differences\n`);
process.exitCode = differences.length === 0 && expected.size > 0 ? 0 : 1;

function fenceFiles() {
  return readdirSync(fences, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(fences, file));
}

/**
 * `file:line rule` of each line that says it must be refused.
 *
 * @param {string} file
 */
function refusalsIn(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      const [, before, rule] = /^(.*)\/\/ refused: (\S+)$/.exec(text) ?? [];
      const line = before?.trim() === '' ? index + 2 : index + 1;
      return rule === undefined ? [] : [`${relative(root, file)}:${line} ${rule}`];
    });
}

function refusalsOfLinter() {
  const run = spawnSync('oxlint', ['--format=json', relative(root, fences)], {
    cwd: root,
    encoding: 'utf8',
  });
  const { diagnostics } = JSON.parse(run.stdout);
  return diagnostics.map(
    (/** @type {any} */ { code, filename, labels }) => `${filename}:${labels[0].span.line} ${code}`,
  );
}

/** Folders with TypeScript that no row of the import table names: they would be allowed to import anything. */
function unfencedFolders() {
  const free = ['test', 'bench', 'node_modules'];
  return readdirSync(root, { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !free.includes(entry.name),
    )
    .map((entry) => entry.name)
    .filter((folder) => readdirSync(join(root, folder)).some((file) => /\.(ts|mjs)$/.test(file)))
    .filter((folder) => !readdirSync(fences).includes(folder));
}

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const testFiles = readdirSync(join(import.meta.dirname, 'test'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join('test', file));

/** Those that start all of the laptop's processes and break them. */
const stackFiles = testFiles.filter((file) => /^test.(stack|chaos)./.test(file));

/** Those that ask for the Temporal server; a run without any of them does not start one. */
const serverFiles = testFiles.filter(
  (file) =>
    !stackFiles.includes(file) &&
    readFileSync(join(import.meta.dirname, file), 'utf8').includes("inject('temporalAddress')"),
);

const partFiles = testFiles.filter(
  (file) => !stackFiles.includes(file) && !serverFiles.includes(file),
);

export default defineConfig({
  test: {
    pool: 'forks',
    // Two cores are the machine to expect; more than four files at once only add noise to each other.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism() - 1)),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for comes when the machine gets to it; a second is no bound on a busy one.
    expect: { poll: { timeout: 30_000 } },
    // A test that runs alone hides the others.
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: { name: 'parts', include: partFiles, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'temporal',
          include: serverFiles,
          globalSetup: ['test/global-setup.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'stack',
          include: stackFiles,
          // Four to six processes each: one file at a time, after everything else.
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
        },
      },
    ],
  },
});

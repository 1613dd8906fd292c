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

/** Those that ask for the Temporal server; a run without any of them does not start one. */
const serverFiles = testFiles.filter((file) =>
  readFileSync(join(import.meta.dirname, file), 'utf8').includes("inject('temporalAddress')"),
);

export default defineConfig({
  test: {
    pool: 'forks',
    // Two cores are the machine to expect; more than four files at once only add noise to each other.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism() - 1)),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A test that runs alone hides the others.
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: { name: 'parts', include: testFiles.filter((file) => !serverFiles.includes(file)) },
      },
      {
        extends: true,
        test: {
          name: 'temporal',
          include: serverFiles,
          globalSetup: ['test/global-setup.ts'],
        },
      },
    ],
  },
});

import type { TestProject } from 'vitest/node';
import { startTemporal } from './temporal-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `host:port` of the run's one Temporal server; each test file uses its own task queue or workflow ids. */
    temporalAddress: string;
  }
}

/** Starts one Temporal server for all test files of the run that ask for it, and stops it at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTemporal();
  project.provide('temporalAddress', server.address);
  return server.stop;
}

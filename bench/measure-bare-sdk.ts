import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { projectFile } from '#cli/environment.ts';
import { callsPerSecond, type Endpoint } from './endpoint-process.ts';

/** The AWS SDK without anything of ours, in a process of its own. */
export async function measureBareSdk(endpoint: Endpoint, inFlight: number, calls: number) {
  await endpoint.reset();
  const file = projectFile('bench', 'bare-sdk.ts');
  const args = [file, endpoint.url, String(inFlight), String(calls)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { cpuMs } = z.object({ cpuMs: z.number() }).parse(JSON.parse(stdout));
  const stats = await endpoint.stats();
  return {
    calls: stats.calls,
    calls_per_s: callsPerSecond(stats),
    in_flight_max: stats.inFlightMax,
    cpu_ms_per_call: Math.round((cpuMs / stats.calls) * 100) / 100,
  };
}

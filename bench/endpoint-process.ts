import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { projectFile } from '#cli/environment.ts';

export interface Endpoint {
  readonly url: string;
  reset(): Promise<void>;
  stats(): Promise<EndpointStats>;
  stop(): void;
}

const statsSchema = z.object({
  calls: z.int(),
  inFlight: z.int(),
  inFlightMax: z.int(),
  firstMs: z.number(),
  lastMs: z.number(),
});

export type EndpointStats = z.output<typeof statsSchema>;

/** The measurements' provider in a process of its own. */
export async function startEndpoint(latencyMs: number): Promise<Endpoint> {
  const child = spawn(process.execPath, [projectFile('bench', 'endpoint.ts'), String(latencyMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the endpoint ended with ${code}`)));
  });
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(line));
  return {
    url,
    reset: async () => void (await (await fetch(`${url}/reset`)).text()),
    stats: async () => statsSchema.parse(await (await fetch(`${url}/stats`)).json()),
    stop: () => void child.kill('SIGTERM'),
  };
}

/** Calls per second between the first request and the last answer. */
export function callsPerSecond({ calls, firstMs, lastMs }: EndpointStats): number {
  return Math.round((calls / (lastMs - firstMs)) * 1_000 * 10) / 10;
}

/**
 * `npm run bench`: what the design promises in speed, measured on this machine and printed as JSON. Every
 * figure of ours stands beside the bare AWS SDK's against the same endpoint in the same run.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startEndpoint } from './endpoint-process.ts';
import { measureBareSdk } from './measure-bare-sdk.ts';
import { measureJob } from './measure-job.ts';

const latencyMs = 200;
/** Calls per lane: enough that ramp and tail, one latency each, are a small part. */
const rounds = 40;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    'in-flight': { type: 'string', default: '64,256' },
    records: { type: 'string', default: '1000,20000' },
    workers: { type: 'string', default: '1,2,4' },
  },
});

const numbers = (text: string): number[] => text.split(',').map(Number);
const isWanted = (part: string): boolean => values.only === undefined || values.only === part;
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const endpoint = await startEndpoint(latencyMs);
const result: Record<string, unknown> = {
  at: new Date().toISOString(),
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
  },
  latency_ms: latencyMs,
};
try {
  if (isWanted('throughput')) result['throughput'] = await measureThroughput();
  if (isWanted('memory')) result['memory'] = await measureMemory();
  if (isWanted('workers')) result['workers'] = await measureWorkers();
} finally {
  endpoint.stop();
}
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);

async function measureThroughput() {
  const rows = [];
  for (const inFlight of numbers(values['in-flight'])) {
    const calls = inFlight * rounds;
    say(`bare SDK, ${inFlight} in flight, ${calls} calls`);
    const bare = await measureBareSdk(endpoint, inFlight, calls);
    say(`a job, ${inFlight} in flight, ${calls} records of one step`);
    const job = await measureJob(endpoint, { records: calls, concurrency: inFlight, workers: 1 });
    const ideal = (inFlight * 1_000) / latencyMs;
    rows.push({
      in_flight: inFlight,
      ideal_calls_per_s: ideal,
      bare_sdk: { ...bare, share_of_ideal: share(bare.calls_per_s, ideal) },
      job: { ...job, share_of_ideal: share(job.calls_per_s, ideal) },
      job_against_bare_sdk: share(job.calls_per_s, bare.calls_per_s),
    });
  }
  return rows;
}

async function measureMemory() {
  const rows = [];
  for (const records of numbers(values.records)) {
    say(`memory: a job of ${records} records, 256 in flight`);
    rows.push(await measureJob(endpoint, { records, concurrency: 256, workers: 1 }));
  }
  return rows;
}

async function measureWorkers() {
  const rows = [];
  for (const workers of numbers(values.workers)) {
    say(`workers: ${workers}, 256 in flight in all`);
    rows.push(await measureJob(endpoint, { records: 10_240, concurrency: 256, workers }));
  }
  return rows;
}

function share(part: number, whole: number): number {
  return Math.round((part / whole) * 1_000) / 1_000;
}

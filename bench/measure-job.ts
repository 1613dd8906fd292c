import { Client, Connection } from '@temporalio/client';
import { startTestStack, type TestStack } from '#test/stack/stack.ts';
import { workflowIdOf } from '#workflows/contract.ts';
import { callsPerSecond, type Endpoint } from './endpoint-process.ts';
import { processUse } from './process-use.ts';

const oneStep = `template:
  name: One step
  steps:
    - id: blurb
      max_tokens: 200
      prompt: Write a blurb for the film "{{ Title }}" in two sentences.
`;

export interface MeasuredJob {
  readonly records: number;
  readonly concurrency: number;
  readonly workers: number;
}

/** One job of one-step records through all of the laptop's processes, against the endpoint. */
export async function measureJob(endpoint: Endpoint, wanted: MeasuredJob) {
  const stack = await startTestStack({
    workers: wanted.workers,
    template: oneStep,
    variables: {
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint.url,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      PLOT_HEARTBEAT_TIMEOUT_MS: '30000',
    },
  });
  try {
    // A first job brings every process up and warms it; what is measured is the second one.
    await stack.untilEnded(
      (await stack.submit({ records: 200, concurrency: wanted.concurrency })).id,
    );
    await endpoint.reset();
    const before = useOf(stack);
    const job = await stack.submit({
      records: wanted.records,
      concurrency: wanted.concurrency,
      limit: '100.00',
    });
    const ended = await stack.untilEnded(job.id, 30 * 60_000);
    const after = useOf(stack);
    const stats = await endpoint.stats();
    const events = await eventsOf(stack, job.id);
    return {
      ...wanted,
      status: ended.status,
      accepted: ended.records.accepted,
      calls: stats.calls,
      calls_per_s: callsPerSecond(stats),
      in_flight_max: stats.inFlightMax,
      worker_cpu_ms_per_call: Math.round(((after.cpuMs - before.cpuMs) / stats.calls) * 100) / 100,
      worker_peak_mb: after.peakMb,
      history_events: events,
      history_events_per_1000_records: Math.round((events / wanted.records) * 1_000),
    };
  } finally {
    await stack.stop();
  }
}

/** CPU of all workers together, and the largest one's peak memory. */
function useOf(stack: TestStack) {
  const uses = stack.pids('worker').map(processUse);
  return {
    cpuMs: uses.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    peakMb: Math.max(...uses.map(({ peakMb }) => peakMb)),
  };
}

/** Over every run of the job's workflow. */
async function eventsOf(stack: TestStack, jobId: string): Promise<number> {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const client = new Client({ connection });
  let events = 0;
  for await (const run of client.workflow.list({
    query: `WorkflowId = '${workflowIdOf(jobId)}'`,
  })) {
    const { historyLength } = await client.workflow.getHandle(run.workflowId, run.runId).describe();
    events += historyLength;
  }
  await connection.close();
  return events;
}

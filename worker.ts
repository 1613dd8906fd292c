/** A worker process: takes batches from Temporal, pays for their calls, ends in order on SIGTERM. */
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '#activities/index.ts';
import { systemClock } from '#activities/ports.ts';
import { createCallGates, processClock } from '#bedrock/call-gate.ts';
import { createBedrockModel } from '#bedrock/converse.ts';
import { type Config, loadConfig } from '#config.ts';
import { createPrompts } from '#prompts/prompts.ts';
import { openLocalStore } from '#store/local-store.ts';
import { taskQueue } from '#workflows/contract.ts';
import { workflowBundle } from './workflow-bundle.ts';
import manifest from './package.json' with { type: 'json' };

/** Batches run beside each other in one process: a job's whole window, and as much of the next job's. */
const batchesMax = 80;
/** A cancelled or paused batch learns of it with a heartbeat: at most this much later. */
const heartbeatThrottle = '2s';

const config = loadConfig();
await runWorker(config);

async function runWorker(its: Config): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const drain = new AbortController();
  const store = await openLocalStore({ home: its.PLOT_HOME });
  const prompts = await createPrompts();
  const model = createBedrockModel({
    region: its.AWS_REGION,
    ...(its.AWS_ENDPOINT_URL_BEDROCK_RUNTIME === null
      ? {}
      : { endpoint: its.AWS_ENDPOINT_URL_BEDROCK_RUNTIME }),
    ...(its.AWS_BEARER_TOKEN_BEDROCK === null ? {} : { bearerToken: its.AWS_BEARER_TOKEN_BEDROCK }),
    concurrencyMax: its.PLOT_CALLS_MAX,
    callTimeoutMs: its.PLOT_CALL_TIMEOUT_MS,
  });
  const gates = createCallGates({
    callsMax: its.PLOT_CALLS_MAX,
    clock: processClock,
    random: Math.random,
  });
  const { name, version } = manifest;
  const activities = createActivities({
    store,
    prompts,
    model,
    gates,
    clock: systemClock,
    drain: drain.signal,
    generator: { name, version },
  });
  const codePath = await workflowBundle(join(its.PLOT_HOME, 'cache'));
  const connection = await connectPatiently(its.TEMPORAL_ADDRESS);
  const worker = await Worker.create({
    connection,
    namespace: its.TEMPORAL_NAMESPACE,
    taskQueue,
    workflowBundle: { codePath },
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: batchesMax,
    maxHeartbeatThrottleInterval: heartbeatThrottle,
    defaultHeartbeatThrottleInterval: heartbeatThrottle,
    maxCachedWorkflows: 100,
    shutdownGraceTime: '60s',
    shutdownForceTime: '100s',
  });
  const end = (): void => {
    drain.abort(new Error('the worker was asked to end'));
    if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  // Again and again: a second signal must not end a worker that is bringing in its answers.
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid })}\n`);
  try {
    await worker.run();
  } finally {
    await connection.close();
    await Promise.all([prompts.close(), model.close(), store.close()]);
  }
}

/** Temporal may come up after its workers; without a server there is nothing else to do than wait. */
async function connectPatiently(address: string): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect({ address });
    } catch (error) {
      process.stderr.write(`Temporal at ${address} does not answer (${String(error)}); waiting\n`);
      await pause(1_000);
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { ulid } from 'ulid';
import { createInvocationLog } from '#bedrock/invocation-log.ts';
import { type Config, loadConfig } from '#config.ts';
import { createPrompts } from '#prompts/prompts.ts';
import { openLocalStore } from '#store/local-store.ts';
import { createApp } from './app.ts';
import { listen } from './listen.ts';
import type { ApiPorts } from './ports.ts';
import { createStartSweep } from './start-jobs.ts';
import { createWorkflowsClient } from './workflows-client.ts';

/** A stored job waits no longer than this for its start once Temporal is back. */
const sweepEveryMs = 3_000;

try {
  await main();
} catch (err) {
  // Said in full on stderr; whoever supervises the process sees that it ended.
  pino({ name: 'api' }, pino.destination({ dest: 2, sync: true })).fatal({ err }, messageOf(err));
  process.exit(1);
}

/** Runs the API until SIGTERM or SIGINT: one line of JSON on stdout once it answers, logs on stderr. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = pino({ name: 'api', level: config.PLOT_LOG_LEVEL }, pino.destination(2));
  const closing = new AbortController();
  const stopped = stopSignal();
  const store = await openLocalStore({ home: config.PLOT_HOME });
  const prompts = await createPrompts();
  const workflows = createWorkflowsClient({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
  });
  const ports: ApiPorts = { store, prompts, workflows, log, ...portsOf(config, closing.signal) };
  const server = await listen(createApp(ports), config.PLOT_PORT);
  const sweeping = createStartSweep(ports).run(sweepEveryMs, closing.signal);
  process.stdout.write(`${JSON.stringify({ ready: true, url: server.url })}\n`);
  log.info({ url: server.url, provider: config.PLOT_PROVIDER }, 'listening');

  log.info({ signal: await stopped }, 'stopping');
  closing.abort();
  await server.close();
  await sweeping;
  await Promise.all([workflows.close(), prompts.close(), store.close()]);
  log.info({}, 'stopped');
}

function portsOf(config: Config, closing: AbortSignal) {
  const ui = config.TEMPORAL_UI_URL?.replace(/\/$/, '') ?? null;
  return {
    provider: config.PLOT_PROVIDER,
    providerLog: createInvocationLog({ place: config.PLOT_INVOCATION_LOG }),
    region: config.PLOT_PROVIDER === 'bedrock' ? config.AWS_REGION : null,
    settings: { heartbeatTimeoutMs: config.PLOT_HEARTBEAT_TIMEOUT_MS },
    clock: () => new Date(),
    wait,
    newId: ulid,
    temporalUi: (workflowId: string) =>
      ui === null ? null : `${ui}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows/${workflowId}`,
    closing,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Aborted: whoever waits looks at the signal.
  }
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
}

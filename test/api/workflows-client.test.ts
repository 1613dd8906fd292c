import { connect, createServer, type Server, type Socket } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { ulid } from 'ulid';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { JobDisplay } from '#api/ports.ts';
import { createWorkflowsClient } from '#api/workflows-client.ts';
import { taskQueue, workflowIdOf } from '#workflows/contract.ts';

const address = inject('temporalAddress');
const namespace = 'default';
const settings = { heartbeatTimeoutMs: 30_000 };
const display: JobDisplay = {
  template: 'film-blurbs',
  models: ['amazon.nova-lite-v1:0', 'amazon.nova-micro-v1:0'],
  records: 300,
  seedRows: 3_201,
  limit: '0.50',
  provider: 'simulator',
};

let connection: Connection;
let workflows: ReturnType<typeof createWorkflowsClient>;
const started: string[] = [];

beforeAll(async () => {
  connection = await Connection.connect({ address });
  workflows = createWorkflowsClient({ address, namespace });
});
afterEach(async () => {
  const client = new Client({ connection, namespace });
  for (const id of started.splice(0)) {
    await client.workflow
      .getHandle(workflowIdOf(id))
      .terminate()
      .catch(() => {});
  }
});
afterAll(async () => {
  await workflows.close();
  await connection.close();
});

function newJob(): string {
  const id = `job_${ulid()}`;
  started.push(id);
  return id;
}

describe('workflows client', () => {
  it('start: makes one workflow that people can read, however often it is asked', async () => {
    const id = newJob();
    const outcomes = await Promise.all([1, 2].map(() => workflows.start(id, settings, display)));
    expect(outcomes).toEqual([{ kind: 'started' }, { kind: 'started' }]);
    const handle = new Client({ connection, namespace }).workflow.getHandle(workflowIdOf(id));
    const description = await handle.describe();
    expect(description.type).toBe('generateDataset');
    expect(description.memo).toEqual({ jobId: id, provider: 'simulator' });
    expect(await description.staticSummary()).toBe(
      'film-blurbs · 300 records · limit $0.50 · simulated',
    );
    expect(await description.staticDetails()).toContain('no money is spent');
    const attributes = Object.fromEntries(
      description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(attributes).toMatchObject({
      PPStatus: 'validating',
      PPTemplate: 'film-blurbs',
      PPModel: 'amazon.nova-lite-v1:0,amazon.nova-micro-v1:0',
      PPRecords: 300,
      PPDone: 0,
    });
  });

  it('signal, cancel: reach a job that no worker has taken up', async () => {
    const id = newJob();
    await workflows.start(id, settings, display);
    expect(await workflows.signal(id, 'pause')).toEqual({ kind: 'done' });
    expect(await workflows.signal(id, 'setLimit', '1.00')).toEqual({ kind: 'done' });
    expect(await workflows.cancel(id)).toEqual({ kind: 'done' });
    const history = await new Client({ connection, namespace }).workflow
      .getHandle(workflowIdOf(id))
      .fetchHistory();
    const signalled = (history.events ?? []).flatMap(
      (event) => event.workflowExecutionSignaledEventAttributes ?? [],
    );
    expect(signalled.map(({ signalName }) => signalName)).toEqual(['pause', 'setLimit']);
  });

  it('signal, cancel, start: are answered, when the workflow is not there or has ended', async () => {
    const id = newJob();
    expect(await workflows.signal(id, 'pause')).toEqual({ kind: 'not-running' });
    expect(await workflows.cancel(id)).toEqual({ kind: 'not-running' });
    await workflows.start(id, settings, display);
    await new Client({ connection, namespace }).workflow.getHandle(workflowIdOf(id)).terminate();
    expect(await workflows.signal(id, 'resume')).toEqual({ kind: 'not-running' });
    // A job runs once: its id is not run again.
    expect(await workflows.start(id, settings, display)).toEqual({ kind: 'started' });
    expect(await workflows.signal(id, 'resume')).toEqual({ kind: 'not-running' });
  });

  it('hasWorker: says whether one polls for workflows', async () => {
    // A namespace of its own: other workers of this server poll the usual one.
    const own = `workers-${ulid().toLowerCase()}`;
    await connection.workflowService.registerNamespace({
      namespace: own,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    const other = createWorkflowsClient({ address, namespace: own });
    const away = new AbortController();
    try {
      await expect.poll(() => other.hasWorker(), { timeout: 20_000 }).toBe('no');
      // The server refuses a poll that has no deadline.
      const poll = connection.withDeadline(Date.now() + 60_000, () =>
        connection.withAbortSignal(away.signal, () =>
          connection.workflowService.pollWorkflowTaskQueue({
            namespace: own,
            taskQueue: { name: taskQueue },
            identity: 'poller',
          }),
        ),
      );
      const ended = poll.catch(() => {});
      await expect.poll(() => other.hasWorker(), { timeout: 20_000 }).toBe('yes');
      away.abort();
      await ended;
    } finally {
      away.abort();
      await other.close();
    }
  }, 50_000);

  it('start: takes a template whose name is long', async () => {
    const long = { ...display, template: 'ß'.repeat(200) };
    expect(await workflows.start(newJob(), settings, long)).toEqual({ kind: 'started' });
  });

  it('client: says that Temporal is away, and finds it again by itself', async () => {
    const proxy = await createProxy(address);
    const other = createWorkflowsClient({ address: proxy.address, namespace });
    try {
      const id = newJob();
      expect(await other.isReachable()).toBe(false);
      expect(await other.hasWorker()).toBe('unknown');
      expect(await other.start(id, settings, display)).toMatchObject({ kind: 'unreachable' });
      expect(await other.signal(id, 'pause')).toMatchObject({ kind: 'unreachable' });
      expect(await other.cancel(id)).toMatchObject({ kind: 'unreachable' });
      await proxy.open();
      await expect.poll(() => other.isReachable(), { timeout: 20_000 }).toBe(true);
      expect(await other.start(id, settings, display)).toEqual({ kind: 'started' });
      await proxy.shut();
      await expect.poll(() => other.isReachable(), { timeout: 20_000 }).toBe(false);
      await proxy.open();
      await expect.poll(() => other.isReachable(), { timeout: 20_000 }).toBe(true);
    } finally {
      await other.close();
      await proxy.shut();
    }
  });
});

/** A way to the server that can be cut, on a port of its own; cut at first. */
async function createProxy(target: string) {
  const [host = '', targetPort = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  let port = 0;

  async function open(): Promise<void> {
    const opened = createServer((inbound) => {
      const outbound = connect(Number(targetPort), host);
      for (const socket of [inbound, outbound]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
      }
      inbound.pipe(outbound).pipe(inbound);
    });
    server = opened;
    await new Promise<void>((resolve) => opened.listen(port, '127.0.0.1', resolve));
    const bound = opened.address();
    if (typeof bound === 'object' && bound !== null) port = bound.port;
  }

  async function shut(): Promise<void> {
    const closing = server;
    server = null;
    if (closing === null) return;
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  // The port is learned by having been open once.
  await open();
  await shut();
  return { address: `127.0.0.1:${port}`, open, shut };
}

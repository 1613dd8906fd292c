import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  makeGrpcRetryInterceptor,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  type DatasetInput,
  type DatasetSettings,
  generateDatasetType,
  type searchAttributes,
  signals,
  taskQueue,
  workflowIdOf,
} from '#workflows/contract.ts';
import type {
  ControlOutcome,
  JobDisplay,
  StartOutcome,
  WorkerPresence,
  WorkflowStarter,
} from './ports.ts';

export interface TemporalAddress {
  /** host:port. */
  readonly address: string;
  readonly namespace: string;
}

/** After so long an answer is not awaited any more; a server on the same network takes milliseconds. */
const deadlineMs = 3_000;
/** A call outlives a short gap; a server that is away is told of within a second. */
const maxAttempts = 3;
/** A worker's poll lasts up to 60 s, and is noted when it begins; the rest is for a busy machine. */
const pollerFreshMs = 75_000;
/** gRPC's default grows to two minutes, which is how long a restarted server would stay unnoticed. */
const reconnectMs = { first: 100, most: 1_000 };

/** Temporal's number for the queue of workflow tasks: a worker polls it whatever else it does. */
const workflowQueueType = 1;

/** gRPC status numbers that say nothing about the request, only that nobody answered it now. */
const noAnswer = new Set([/* deadline exceeded */ 4, /* exhausted */ 8, /* unavailable */ 14]);

/**
 * The jobs' workflows on a Temporal server. Connects when first used and again whenever the server comes
 * back; every method answers within three seconds. Rejects only for what no repetition would mend.
 */
export function createWorkflowsClient({ address, namespace }: TemporalAddress): WorkflowStarter & {
  close(): Promise<void>;
} {
  const connection = Connection.lazy({
    address,
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts }))],
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': reconnectMs.first,
      'grpc.min_reconnect_backoff_ms': reconnectMs.first,
      'grpc.max_reconnect_backoff_ms': reconnectMs.most,
    },
  });
  const client = new Client({ connection, namespace });

  function bounded<Result>(call: () => Promise<Result>): Promise<Result> {
    return client.withDeadline(Date.now() + deadlineMs, call);
  }

  return {
    start: (jobId, settings, display) =>
      startOutcome(() =>
        bounded(() =>
          client.workflow.start(generateDatasetType, startOptions(jobId, settings, display)),
        ),
      ),
    signal: (jobId, name, argument) =>
      controlOutcome(() =>
        bounded(() =>
          client.workflow
            .getHandle(workflowIdOf(jobId))
            .signal(signals[name], ...(argument === undefined ? [] : [argument])),
        ),
      ),
    cancel: (jobId) =>
      controlOutcome(() => bounded(() => client.workflow.getHandle(workflowIdOf(jobId)).cancel())),
    isReachable: () =>
      isReachable(() => bounded(() => connection.workflowService.getSystemInfo({}))),
    hasWorker: () =>
      workerPresence(() =>
        bounded(() =>
          connection.workflowService.describeTaskQueue({
            namespace,
            taskQueue: { name: taskQueue },
            taskQueueType: workflowQueueType,
          }),
        ),
      ),
    close: () => connection.close(),
  };
}

async function startOutcome(start: () => Promise<unknown>): Promise<StartOutcome> {
  try {
    await start();
    return { kind: 'started' };
  } catch (error) {
    // Its id is the job's: whoever started it, it is the same workflow.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { kind: 'started' };
    if (isNoAnswer(error)) return { kind: 'unreachable', cause: error };
    throw error;
  }
}

async function controlOutcome(send: () => Promise<unknown>): Promise<ControlOutcome> {
  try {
    await send();
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'not-running' };
    if (isNoAnswer(error)) return { kind: 'unreachable', cause: error };
    throw error;
  }
}

async function isReachable(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (isNoAnswer(error)) return false;
    throw error;
  }
}

interface QueuePollers {
  readonly pollers?:
    | readonly {
        readonly lastAccessTime?: { readonly seconds?: { toNumber(): number } | null } | null;
      }[]
    | null;
}

async function workerPresence(ask: () => Promise<QueuePollers>): Promise<WorkerPresence> {
  try {
    const { pollers } = await ask();
    const sinceS = (Date.now() - pollerFreshMs) / 1_000;
    const isFresh = (pollers ?? []).some(
      ({ lastAccessTime }) => (lastAccessTime?.seconds?.toNumber() ?? 0) >= sinceS,
    );
    return isFresh ? 'yes' : 'no';
  } catch {
    // It is asked only to say why a job waits: a refusal leaves that open, and shows where it matters.
    return 'unknown';
  }
}

/** The client wraps what gRPC threw, so the causes are looked through. */
function isNoAnswer(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) return noAnswer.has(cause.code);
  }
  return false;
}

function startOptions(jobId: string, settings: DatasetSettings, display: JobDisplay) {
  const input: DatasetInput = { jobId, settings };
  return {
    taskQueue,
    workflowId: workflowIdOf(jobId),
    // A job runs once: an id that ended is not run again either.
    workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
    args: [input],
    memo: { jobId, provider: display.provider },
    staticSummary: summaryOf(display),
    staticDetails: detailsOf(jobId, display),
    typedSearchAttributes: [
      { key: keyword('PPStatus'), value: 'validating' },
      { key: keyword('PPTemplate'), value: display.template },
      { key: keyword('PPModel'), value: display.models.join(',') },
      { key: whole('PPRecords'), value: display.records },
      { key: whole('PPDone'), value: 0 },
    ],
  };
}

type AttributeName = keyof typeof searchAttributes;

function keyword(name: AttributeName) {
  return { name, type: 'KEYWORD' as const };
}

function whole(name: AttributeName) {
  return { name, type: 'INT' as const };
}

/** One line in the list of workflows. The server takes 200 bytes and over; a template's name may be long. */
function summaryOf({ template, records, limit, provider }: JobDisplay): string {
  const name = template.length > 60 ? `${template.slice(0, 60)}…` : template;
  const simulated = provider === 'simulator' ? ' · simulated' : '';
  return `${name} · ${records} records · limit $${limit}${simulated}`;
}

function detailsOf(jobId: string, display: JobDisplay): string {
  const answered =
    display.provider === 'simulator' ? 'a simulator: no money is spent' : 'Amazon Bedrock';
  return [
    `Job \`${jobId}\``,
    `Template ${display.template}, ${display.records} records from ${display.seedRows} seed rows`,
    `Models: ${display.models.map((model) => `\`${model}\``).join(', ')}`,
    `Limit at creation: $${display.limit}`,
    `Answered by ${answered}`,
  ].join('\n\n');
}

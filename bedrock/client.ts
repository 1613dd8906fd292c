import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime';
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface BedrockClientOptions {
  readonly region: string;
  /** Where requests go instead of the region's own endpoint: the simulator, a proxy, a VPC endpoint. */
  readonly endpoint?: string;
  /** Calls at a time: each needs a connection of its own. */
  readonly concurrencyMax: number;
  readonly callTimeoutMs: number;
  /** Default: the SDK's own chain (environment, profile, role of the task or instance). */
  readonly credentials?: NonNullable<BedrockRuntimeClientConfig['credentials']>;
  /** A Bedrock API key, sent instead of a signature. */
  readonly bearerToken?: string;
}

/** A call on its way through the client, found by its input. */
export interface SentCall {
  readonly beforeSend: () => Promise<void>;
  readonly signal: AbortSignal;
  /** Set when the request is handed to the network: from then on it may be billed. */
  isSent: boolean;
}

export type SentCalls = WeakMap<object, SentCall>;

/** A client that sends each request once, over kept connections, and only past its call's fence. */
export function createClient(options: BedrockClientOptions): {
  client: BedrockRuntimeClient;
  sent: SentCalls;
} {
  const sent: SentCalls = new WeakMap();
  const signals = new WeakMap<object, AbortSignal>();
  const client = new BedrockRuntimeClient({
    region: options.region,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...authentication(options),
    maxAttempts: 1,
    // One resolved stack for all calls: what differs between them travels in WeakMaps, not in options.
    cacheMiddleware: true,
    requestHandler: createHandler(options, signals),
  });
  trim(client);
  addFence(client, sent, signals);
  return { client, sent };
}

function authentication(options: BedrockClientOptions): BedrockRuntimeClientConfig {
  if (options.bearerToken !== undefined) {
    return { token: { token: options.bearerToken }, authSchemePreference: ['httpBearerAuth'] };
  }
  // Named, so that a token in the environment cannot replace the signature that holds rely on.
  const signed = { authSchemePreference: ['sigv4'] };
  return options.credentials === undefined
    ? signed
    : { ...signed, credentials: options.credentials };
}

/** Connections beyond the calls at a time: room for one that is closing while its successor opens. */
const spareSockets = 8;
const connectionTimeoutMs = 3_000;
/**
 * A connection unused for this long is closed by us: writing to one that the other side is just
 * closing loses the request without an answer, and so its money.
 */
const idleSocketMs = 15_000;

function createHandler(options: BedrockClientOptions, signals: WeakMap<object, AbortSignal>) {
  const sockets = {
    keepAlive: true,
    maxSockets: options.concurrencyMax + spareSockets,
    timeout: idleSocketMs,
  };
  const inner = new NodeHttpHandler({
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: options.callTimeoutMs,
    throwOnRequestTimeout: true,
    socketTimeout: options.callTimeoutMs,
    httpAgent: new HttpAgent(sockets),
    httpsAgent: new HttpsAgent(sockets),
  });
  const handle: NodeHttpHandler['handle'] = (request) => {
    const abortSignal = signals.get(request);
    if (abortSignal === undefined) throw new Error('a request to send belongs to no call');
    // Not among the signed headers; the SDK's own is computed anew for each request.
    request.headers['user-agent'] = 'plot-palette';
    return inner.handle(request, { abortSignal });
  };
  return {
    metadata: inner.metadata,
    handle,
    destroy: () => inner.destroy(),
    updateHttpClientConfig: inner.updateHttpClientConfig.bind(inner),
    httpHandlerConfigs: inner.httpHandlerConfigs.bind(inner),
  };
}

/**
 * Takes out what costs time and changes nothing here: a tenth of the CPU of a call. The trace header is
 * for functions on Lambda; the log line goes nowhere; the user agent is set as it is.
 */
function trim(client: BedrockRuntimeClient): void {
  for (const name of [
    'loggerMiddleware',
    'recursionDetectionMiddleware',
    'getUserAgentMiddleware',
  ]) {
    client.middlewareStack.remove(name);
  }
}

/** After the signer and before the network: the last moment at which a call can still cost nothing. */
function addFence(
  client: BedrockRuntimeClient,
  sent: SentCalls,
  signals: WeakMap<object, AbortSignal>,
): void {
  const fence =
    <Args extends FenceArgs, Output>(next: (args: Args) => Promise<Output>) =>
    async (args: Args): Promise<Output> => {
      const { request } = args;
      const call = sent.get(args.input);
      if (call === undefined || typeof request !== 'object' || request === null) {
        throw new Error('the request at the fence belongs to no call');
      }
      await call.beforeSend();
      call.signal.throwIfAborted();
      signals.set(request, call.signal);
      call.isSent = true;
      return next(args);
    };
  client.middlewareStack.addRelativeTo(fence, {
    name: 'fenceMiddleware',
    relation: 'after',
    toMiddleware: 'httpSigningMiddleware',
  });
}

interface FenceArgs {
  readonly input: object;
  readonly request: unknown;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConverseCommandInput, ConverseCommandOutput } from '@aws-sdk/client-bedrock-runtime';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { KnobsPatch } from '#simulator/knobs.ts';
import type { SimulatorOptions } from '#simulator/server.ts';
import { startSimulator } from '#simulator/server.ts';

export const transports = ['http2', 'http1'] as const;
export type Transport = (typeof transports)[number];

export const nova = 'amazon.nova-lite-v1:0';
/** pUSD per token of `nova`, written down here by hand: the bill is checked against it. */
export const novaPrice = { input: 60_000n, output: 240_000n };

export interface Bench {
  readonly url: string;
  readonly folder: string;
  readonly billFile: string;
  client(transport: Transport): BedrockRuntimeClient;
  put(knobs: KnobsPatch): Promise<void>;
  get(path: string): Promise<unknown>;
  /** Ends the server and keeps its files, or all of it. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** A simulator in this process with clients that make one attempt. Close it in the same test. */
export async function startBench(options: Partial<SimulatorOptions> = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'plot-simulator-'));
  const billFile = options.billFile ?? join(folder, 'bill.jsonl');
  const simulator = await startSimulator({ billFile, ...options });
  const clients: BedrockRuntimeClient[] = [];
  const stop = async () => {
    for (const client of clients) client.destroy();
    await simulator.close();
  };
  return {
    url: simulator.url,
    folder,
    billFile,
    client: (transport) => {
      const client = createClient(simulator.url, transport);
      clients.push(client);
      return client;
    },
    put: async (knobs) => {
      const response = await fetch(`${simulator.url}/knobs`, {
        method: 'PUT',
        body: JSON.stringify(knobs),
      });
      if (!response.ok) throw new Error(`PUT /knobs: ${await response.text()}`);
    },
    get: async (path) => (await fetch(`${simulator.url}${path}`)).json(),
    stop,
    close: async () => {
      await stop();
      rmSync(folder, { recursive: true });
    },
  };
}

export function createClient(endpoint: string, transport: Transport): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    ...(transport === 'http1' ? { requestHandler: new NodeHttpHandler() } : {}),
  });
}

export const credentials = { accessKeyId: 'AKIDSIMULATED', secretAccessKey: 'secret' };

/** The smallest sensible request, with what the test cares about over it. */
export function request(over: Partial<ConverseCommandInput> = {}): ConverseCommandInput {
  return {
    modelId: nova,
    messages: [{ role: 'user', content: [{ text: 'Write about the film "Metropolis".' }] }],
    inferenceConfig: { maxTokens: 400 },
    ...over,
  };
}

export function converse(
  client: BedrockRuntimeClient,
  over: Partial<ConverseCommandInput> = {},
): Promise<ConverseCommandOutput> {
  return client.send(new ConverseCommand(request(over)));
}

export function textOf(output: ConverseCommandOutput): string {
  return output.output?.message?.content?.[0]?.text ?? '';
}

/** Headers that look signed at this time, for requests that no SDK would send. */
export function signedHeaders(at: Date): Record<string, string> {
  const date = `${at.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  return {
    'content-type': 'application/json',
    'x-amz-date': date,
    authorization:
      `AWS4-HMAC-SHA256 Credential=AKID/${date.slice(0, 8)}/us-east-1/bedrock/aws4_request, ` +
      `SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
  };
}

export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = signedHeaders(new Date()),
): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers });
}

/** Everything that a stream gives until it ends or throws. */
export async function collect<T>(stream: AsyncIterable<T> | undefined): Promise<T[]> {
  const events: T[] = [];
  if (stream === undefined) return events;
  for await (const event of stream) events.push(event);
  return events;
}

/** Resolves when the condition holds; rejects after 10 seconds, saying what was waited for. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited in vain for: ${what}`);
}

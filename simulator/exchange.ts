import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { constants, Http2ServerResponse } from 'node:http2';
import type { Writable } from 'node:stream';
import { WireError } from './wire-error.ts';

/** Converse takes at most 25,000,000 bytes (the service model); a larger body is a 413. */
export const bodyBytesMax = 25_000_000;

/** One request and its answer, over HTTP/1.1 or HTTP/2 alike. */
export interface Exchange {
  readonly method: string;
  /** Still percent-encoded: a model id is one segment, whatever it contains. */
  readonly path: string;
  query(): URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  isClientGone(): boolean;
  /** Called once when the client is gone before it was answered. */
  whenGone(listener: () => void): void;
  /** Throws the 413 for a larger body than `bodyBytesMax`. */
  readBody(): Promise<Buffer>;
  send(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array | string): void;
  /** Announces the whole body, sends its first half and cuts the connection. */
  sendCut(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): void;
  /** Sends as the parts come, without saying how many. */
  sendStream(
    headers: Readonly<Record<string, string>>,
    parts: AsyncIterable<string>,
  ): Promise<void>;
  /** Cuts the connection (HTTP/1.1) or the stream (HTTP/2) without an answer. */
  reset(): void;
}

export type Incoming = IncomingMessage | Http2ServerRequest;
/** What the answers of both protocols' servers have in common. */
export type Outgoing = Writable & {
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
};

export function createExchange(incoming: Incoming, outgoing: Outgoing): Exchange {
  const target = incoming.url ?? '/';
  const queryAt = target.indexOf('?');
  const requestId = randomUUID();
  let isAnswered = false;
  let isGone = false;
  let onGone: (() => void) | null = null;
  outgoing.on('close', () => {
    if (isAnswered) return;
    isGone = true;
    onGone?.();
  });

  function head(status: number, headers: Readonly<Record<string, string>>, length: number): void {
    isAnswered = true;
    outgoing.writeHead(status, {
      'x-amzn-requestid': requestId,
      'content-length': length,
      ...headers,
    });
  }

  return {
    method: incoming.method ?? 'GET',
    path: queryAt === -1 ? target : target.slice(0, queryAt),
    query: () => new URLSearchParams(queryAt === -1 ? '' : target.slice(queryAt)),
    headers: incoming.headers,
    requestId,
    isClientGone: () => isGone,
    whenGone: (listener) => {
      if (isGone) listener();
      else onGone = listener;
    },
    readBody: () => readBody(incoming),
    send: (status, headers, body) => {
      if (isGone) return;
      // An error after the answer has begun can only be shown by cutting it off.
      if (isAnswered) return cut(outgoing);
      head(status, headers, Buffer.byteLength(body));
      outgoing.end(body);
    },
    sendCut: (status, headers, body) => {
      if (isGone) return;
      head(status, headers, body.byteLength);
      // Cut only once the half is on its way: cutting at once would drop it, headers and all.
      outgoing.write(body.subarray(0, Math.floor(body.byteLength / 2)), () => cut(outgoing));
    },
    sendStream: async (headers, parts) => {
      isAnswered = true;
      outgoing.writeHead(200, { 'x-amzn-requestid': requestId, ...headers });
      for await (const part of parts) await written(outgoing, part);
      outgoing.end();
    },
    reset: () => {
      isAnswered = true;
      cut(outgoing);
    },
  };
}

function readBody(incoming: Incoming): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // What is too much is read and thrown away, so that the client sees the 413 and not a reset.
      if (bytes <= bodyBytesMax) chunks.push(chunk);
      else chunks.length = 0;
    });
    incoming.on('end', () => {
      if (bytes > bodyBytesMax) reject(tooLarge(bytes));
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    incoming.on('error', reject);
    incoming.on('aborted', () => reject(new Error('The client ended the request in its body.')));
  });
}

function tooLarge(bytes: number): WireError {
  return new WireError(
    413,
    'RequestEntityTooLargeException',
    `The request body is ${bytes} bytes; at most ${bodyBytesMax} are allowed.`,
  );
}

function cut(outgoing: Outgoing): void {
  // Of HTTP/2 only this stream: other calls of the same session have their own fate.
  if (outgoing instanceof Http2ServerResponse) {
    outgoing.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  } else if (outgoing instanceof ServerResponse) outgoing.socket?.destroy();
}

/** Resolves when there is room for more, or nobody is left to read it. */
function written(stream: Writable, part: string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableEnded || stream.destroyed || stream.write(part)) return resolve();
    stream.once('drain', resolve);
    stream.once('close', resolve);
  });
}

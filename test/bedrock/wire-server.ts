import { createServer, type Socket } from 'node:net';

export interface WireRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers one complete request, or does anything else to its socket. */
export type Behaviour = (socket: Socket, request: WireRequest) => void;

/** A server of raw bytes on 127.0.0.1: it does to a connection what no HTTP library would. */
export async function startWireServer(behave: Behaviour) {
  const requests: WireRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let closed = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      closed += 1;
      sockets.delete(socket);
    });
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (let end = endOfRequest(received); end !== null; end = endOfRequest(received)) {
        const request = parseRequest(received.slice(0, end));
        received = received.slice(end);
        requests.push(request);
        behave(socket, request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    connections: () => connections,
    closed: () => closed,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type WireServer = Awaited<ReturnType<typeof startWireServer>>;

function endOfRequest(received: string): number | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const length = /content-length: *(\d+)/i.exec(received.slice(0, headEnd))?.[1] ?? '0';
  const end = headEnd + 4 + Number(length);
  return received.length >= end ? end : null;
}

function parseRequest(received: string): WireRequest {
  const headEnd = received.indexOf('\r\n\r\n');
  const [first = '', ...lines] = received.slice(0, headEnd).split('\r\n');
  const headers = lines.map((line) => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
  });
  const body = Buffer.from(received.slice(headEnd + 4), 'latin1').toString('utf8');
  return { path: first.split(' ')[1] ?? '', headers: Object.fromEntries(headers), body };
}

/** The bytes of an HTTP response with this JSON, or this text, as its body. */
export function response(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const all = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    'x-amzn-requestid': 'req-1',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n${text}`;
}

export const usage = { inputTokens: 120, outputTokens: 48, totalTokens: 168 };

/** A Converse answer; the fields given replace its own. */
export function converseAnswer(fields: object = {}) {
  return {
    output: { message: { role: 'assistant', content: [{ text: 'Once upon a time' }] } },
    stopReason: 'end_turn',
    usage,
    metrics: { latencyMs: 913 },
    ...fields,
  };
}

import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Incoming, Outgoing } from './exchange.ts';

export interface Listener {
  readonly port: number;
  /** Closes each connection that has brought a model request, and HTTP/2 sessions. */
  dropConnections(): void;
  /** Stops listening and cuts what is open. */
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly port: number;
  readonly handle: (incoming: Incoming, outgoing: Outgoing) => void;
  /** Asked for each new connection that begins with a model request, before the request is parsed. */
  readonly isRefusing: () => boolean;
  readonly onRefused: () => void;
}

/**
 * Listens on 127.0.0.1. One port speaks HTTP/1.1 and HTTP/2 without TLS, as the SDKs do: a connection
 * that begins with HTTP/2's preface, `PRI`, goes to the one server, any other to the other.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const http1 = createHttp1({ keepAliveTimeout: keepAliveMs, requestTimeout: 0 }, options.handle);
  const http2 = createHttp2({}, options.handle);
  // A session's errors are a client that left in its own way; its calls see that by themselves.
  http2.on('sessionError', () => {});
  const sockets = new Set<Socket>();
  const modelSockets = new Set<Socket>();

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      modelSockets.delete(socket);
    });
    peek(socket, (first) => {
      const isHttp2 = first.startsWith('PRI');
      if (isHttp2 || first.startsWith('POST /model')) {
        if (options.isRefusing()) {
          options.onRefused();
          socket.destroy();
          return;
        }
        modelSockets.add(socket);
      }
      (isHttp2 ? http2 : http1).emit('connection', socket);
    });
  });

  return {
    port: await opened(server, options.port),
    dropConnections: () => {
      for (const socket of modelSockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * Far above the pause of any client: a server that closes an idle connection as a request is on its way
 * to it makes a loss that nobody asked for.
 */
const keepAliveMs = 10 * 60_000;

const peekedBytes = 11;

/** Hands over the connection's first bytes and leaves them in it to be read again. */
function peek(socket: Socket, then: (first: string) => void, before = Buffer.alloc(0)): void {
  socket.once('data', (chunk) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    const all = before.length === 0 ? bytes : Buffer.concat([before, bytes]);
    if (all.length < peekedBytes) return peek(socket, then, all);
    socket.pause();
    socket.unshift(all);
    then(all.toString('latin1', 0, peekedBytes));
    // The server that took over has set itself up by then.
    process.nextTick(() => socket.resume());
  });
}

function opened(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') {
        reject(new Error(`The server listens on ${address}, which is not a port.`));
      } else resolve(address.port);
    });
  });
}

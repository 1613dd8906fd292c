import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnv } from './ports.ts';

export interface Listening {
  readonly url: string;
  /** Stops taking connections and waits for the answers under way, then cuts what is left. */
  close(): Promise<void>;
}

/** Answers under way at a stop get so long; an upload longer than that is repeated by its client. */
const closeMs = 10_000;

/** Serves the app on 127.0.0.1 alone; port 0 takes any free one. Rejects where the port is taken. */
export function listen(app: OpenAPIHono<AppEnv>, port: number): Promise<Listening> {
  // Node ends any request after 5 minutes by default: an upload of 1 GiB may take longer. Headers keep
  // their own time-out, so a connection still cannot be held open before a request.
  const answer = getRequestListener(app.fetch);
  const server = createServer({ requestTimeout: 0 }, (incoming, outgoing) => {
    void answer(incoming, outgoing);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new Error(`The API cannot listen on 127.0.0.1:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ url: `http://127.0.0.1:${bound}`, close: () => close(server) });
    });
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  // A kept-alive connection becomes idle when its answer has ended, which may be after this moment.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const all = setTimeout(() => server.closeAllConnections(), closeMs);
  await closed;
  clearInterval(idle);
  clearTimeout(all);
}

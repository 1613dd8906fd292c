import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { z } from 'zod';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { writeAtomic } from './state.ts';

const portsSchema = z.object({
  temporal: z.int(),
  temporal_ui: z.int(),
  api: z.int(),
  simulator: z.int(),
});

export type Ports = z.output<typeof portsSchema>;

/** What Temporal and this project usually have. */
const usual: Ports = { temporal: 7233, temporal_ui: 8233, api: 8288, simulator: 8289 };

/** Ports tried after a taken one, ten apart: below the range that outgoing connections take theirs from. */
const step = 10;
const triesMax = 100;

export interface PortsWish {
  readonly file: string;
  /** The API's port where a person named one: taken or refused, never replaced. */
  readonly api: number | null;
}

/**
 * A free port for each process: those of the last time where they are free, so that links and clients
 * keep working, else the usual ones or the next free after them. Throws where the API's named one is taken.
 */
export async function choosePorts({ file, api }: PortsWish): Promise<Ports> {
  const wanted = storedPorts(file) ?? usual;
  const chosen: Ports = { ...wanted };
  const taken = new Set<number>();
  for (const name of ['temporal', 'temporal_ui', 'api', 'simulator'] as const) {
    const isNamed = name === 'api' && api !== null && api !== 0;
    const port = isNamed ? await namedPort(api) : await freePort(wanted[name], taken);
    chosen[name] = port;
    taken.add(port);
  }
  writeAtomic(file, `${JSON.stringify(chosen)}\n`);
  return chosen;
}

function storedPorts(file: string): Ports | null {
  try {
    return portsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Absent or not readable: the ports are chosen anew, nothing else depends on them.
    return null;
  }
}

async function namedPort(port: number): Promise<number> {
  if (await isFree(port)) return port;
  throw new CliError({
    code: 'port_taken',
    exitCode: exitCodes.noServer,
    message: `PLOT_PORT is ${port}, and another process listens there.`,
    hint: 'Stop that process, name another port, or unset PLOT_PORT to take a free one.',
  });
}

async function freePort(wanted: number, taken: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = wanted + tries * step;
    if (port <= 65_535 && !taken.has(port) && (await isFree(port))) return port;
  }
  return anyPort();
}

async function anyPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error(`no port in ${address}`);
  return address.port;
}

/** Whether the port can be listened on, on 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether somebody listens there. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findTemporal } from '#setup/find-temporal.mjs';
import { searchAttributes } from '#workflows/contract.ts';

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;

export interface TestServer {
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * A Temporal server of a test's own, or the one that TEMPORAL_ADDRESS names, which takes no settings.
 * `settings` are dynamic config values, `key=value`.
 */
export async function startTemporal(settings: readonly string[] = []): Promise<TestServer> {
  const found = findTemporal();
  switch (found.kind) {
    case 'server':
      return { address: found.address, stop: async () => {} };
    case 'binary':
      return await startServer(found.path, settings);
    case 'refused':
      throw new Error(found.reason);
    case 'missing':
      throw new Error(`No Temporal CLI. Run \`npm run setup\`. ${found.notes.join('; ')}`);
  }
}

async function startServer(binary: string, settings: readonly string[]): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'plot-palette-temporal-'));
  const port = await freePort();
  const child = spawn(
    binary,
    [...serverArguments(port, join(folder, 'temporal.db')), ...dynamicConfig(settings)],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const stop = async () => {
    await stopServer(child, exited);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(child, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: `127.0.0.1:${port}`, stop };
}

function serverArguments(port: number, file: string): string[] {
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${type}`,
  ]);
  const where = ['--ip', '127.0.0.1', '--port', String(port), '--db-filename', file];
  // Twice the throughput of the defaults, and still durable against a killed process.
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'];
  return [
    'server',
    'start-dev',
    '--headless',
    '--log-level',
    'error',
    ...where,
    ...pragmas,
    ...attributes,
  ];
}

function dynamicConfig(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['--dynamic-config-value', setting]);
}

/** The server cannot be asked for port 0: it chooses none itself, so one that was free a moment ago is named. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error(`no port in ${address}`);
  return address.port;
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (!(await isListening(port))) {
    if (child.exitCode !== null)
      throw new Error(`The Temporal server ended with ${child.exitCode}`);
    if (Date.now() > deadline) throw new Error(`No Temporal server after ${readyTimeoutMs} ms`);
    await pause(50);
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function stopServer(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const isStopped = await Promise.race([
    exited.then(() => true),
    pause(stopTimeoutMs, false, { ref: false }),
  ]);
  if (!isStopped) child.kill('SIGKILL');
  await exited;
}

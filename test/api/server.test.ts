import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { workflowIdOf } from '#workflows/contract.ts';
import {
  filmRows,
  filmTemplate,
  jobOf,
  jsonl,
  problemOf,
  seedSetOf,
  templateOf,
} from './harness.ts';

const temporalAddress = inject('temporalAddress');
/** Port 1 is reserved and nobody listens there. */
const nowhere = '127.0.0.1:1';
const root = join(import.meta.dirname, '..', '..');

interface Running {
  readonly url: string;
  readonly process: ChildProcess;
  readonly exited: Promise<unknown[]>;
  readonly stdout: string[];
  readonly stderr: string[];
}

let home: string;
const running: Running[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'plot-server-'));
});
afterEach(async () => {
  for (const server of running.splice(0)) {
    server.process.kill('SIGKILL');
    await server.exited;
  }
  await rm(home, { recursive: true, force: true });
});

async function start(temporal: string, more: Record<string, string> = {}): Promise<Running> {
  const process = spawn(globalThis.process.execPath, [join(root, 'api', 'server.ts')], {
    env: { PLOT_HOME: home, PLOT_PORT: '0', TEMPORAL_ADDRESS: temporal, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: string[] = [];
  const stderr: string[] = [];
  const out = createInterface(process.stdout).on('line', (line) => stdout.push(line));
  createInterface(process.stderr).on('line', (line) => stderr.push(line));
  const exited = once(process, 'exit');
  await Promise.race([once(out, 'line'), once(process, 'close')]);
  const ready = z.strictObject({ ready: z.literal(true), url: z.url() });
  if (stdout[0] === undefined) throw new Error(`no server: ${stderr.join('\n')}`);
  const { url } = ready.parse(JSON.parse(stdout[0]));
  const server = { url, process, exited, stdout, stderr };
  running.push(server);
  return server;
}

async function createJob({ url }: Running) {
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { method: 'POST', body, headers });
  const json = { 'content-type': 'application/json' };
  const yaml = { 'content-type': 'application/yaml' };
  const template = await templateOf(await post('/v1/templates', filmTemplate, yaml));
  const seeds = await seedSetOf(await post('/v1/seeds', jsonl(filmRows)));
  const wish = { template: template.id, seeds: seeds.id, records: 3, limit: '0.50' };
  const key = { 'idempotency-key': 'one' };
  return post('/v1/jobs', JSON.stringify(wish), { ...json, ...key });
}

describe('server', () => {
  it('job: is started by the next server, when the one that stored it was killed before it could', async () => {
    const first = await start(nowhere);
    const answer = await createJob(first);
    const job = await jobOf(answer);
    expect([answer.status, job.status, job.provider]).toEqual([201, 'validating', 'simulator']);
    first.process.kill('SIGKILL');
    await first.exited;

    const second = await start(temporalAddress);
    const shown = await jobOf(await fetch(`${second.url}/v1/jobs/${job.id}`));
    expect(shown.created_at).toBe(job.created_at);
    const connection = await Connection.connect({ address: temporalAddress });
    const handle = new Client({ connection }).workflow.getHandle(workflowIdOf(job.id));
    const typeOf = async () => (await handle.describe()).type;
    await expect
      .poll(() => typeOf().catch(() => null), { timeout: 20_000 })
      .toBe('generateDataset');
    const paused = await fetch(`${second.url}/v1/jobs/${job.id}/pause`, { method: 'POST' });
    expect(paused.status).toBe(202);
    await handle.terminate();
    await connection.close();
  });

  it('SIGTERM: ends open event streams and the process, in order', async () => {
    const server = await start(nowhere);
    const job = await jobOf(await createJob(server));
    const stream = await fetch(`${server.url}/v1/jobs/${job.id}/events`);
    const reader = stream.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toContain('retry: 3000');
    server.process.kill('SIGTERM');
    for (;;) if ((await reader?.read())?.done !== false) break;
    expect(await server.exited).toEqual([0, null]);
    expect(server.stdout).toHaveLength(1);
  });

  it('log: is lines of JSON with the request id, without bodies', async () => {
    const server = await start(nowhere);
    await createJob(server);
    await fetch(`${server.url}/v1/models`, { headers: { 'x-request-id': 'mine-1' } });
    server.process.kill('SIGTERM');
    await server.exited;
    // Node's own warnings are text; every other line is ours.
    const ours = server.stderr.filter((line) => !line.startsWith('('));
    const lines = ours.map((line) => z.looseObject({}).parse(JSON.parse(line)));
    expect(lines.find((line) => line.requestId === 'mine-1')).toMatchObject({
      path: '/v1/models',
      status: 200,
    });
    expect(server.stderr.join('\n')).not.toMatch(/Ridley|blurb for/);
  });

  it.each([
    {
      of: 'a variable is bad',
      env: { PLOT_PROVIDER: 'openai' },
      says: 'PLOT_PROVIDER is',
    },
    { of: 'the port is taken', env: {}, says: 'EADDRINUSE' },
  ])('start: fails with the reason in one line, when $of', async ({ env, says }) => {
    const { url } = await start(nowhere);
    const port = new URL(url).port;
    await expect(start(nowhere, { PLOT_PORT: port, ...env })).rejects.toThrow(says);
  });

  it('Host: is refused, when a name was bound to this machine by somebody else', async () => {
    const { url } = await start(nowhere);
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${url}/v1/jobs`, { headers: { host: 'evil.example' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(403);
  });

  it('upload: is answered though its client still sends, when it is refused early', async () => {
    const { url } = await start(nowhere);
    const piece = new TextEncoder().encode('x'.repeat(1024 * 1024));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent > 32) controller.close();
        else controller.enqueue(sent === 1 ? new TextEncoder().encode('{"a":"') : piece);
      },
    });
    const init = { method: 'POST', body, duplex: 'half' as const };
    const problem = await problemOf(await fetch(`${url}/v1/seeds?format=jsonl`, init));
    expect(problem.code).toBe('seeds_invalid');
    // The connection that was cut does not harm the next one.
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

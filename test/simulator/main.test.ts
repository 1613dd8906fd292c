import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { converse, createClient } from './fixture.ts';

const main = join(import.meta.dirname, '../../simulator/main.ts');
let folder: string;
let children: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plot-simulator-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function start(...more: string[]): ChildProcess {
  const child = spawn(process.execPath, [main, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function ready(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the process has no stdout');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { ready: isReady, url } = JSON.parse(String(line));
  expect(isReady).toBe(true);
  return url;
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function totalAt(url: string): Promise<unknown> {
  return (await fetch(`${url}/bill/total`)).json();
}

describe('the simulator as a process', () => {
  it('says where it listens, bills, ends on SIGTERM, and goes on from its bill', async () => {
    const bill = join(folder, 'bill.jsonl');
    const first = start('--bill', bill);
    const url = await ready(first);
    const client = createClient(url, 'http1');
    await converse(client);
    const before = await totalAt(url);
    first.kill('SIGTERM');
    expect(await ended(first)).toBe(0);
    client.destroy();

    const second = start('--bill', bill);
    expect(await totalAt(await ready(second))).toEqual(before);
    second.kill('SIGTERM');
    expect(await ended(second)).toBe(0);
  });

  it('ends on SIGTERM with a call in flight, which is neither answered nor billed', async () => {
    const bill = join(folder, 'bill.jsonl');
    const log = join(folder, 'requests.jsonl');
    const child = start('--bill', bill, '--latency-ms', '600000', '--log', log);
    const url = await ready(child);
    const client = createClient(url, 'http1');
    const failed = converse(client).catch((error) => error);
    let inFlight = 0;
    while (inFlight === 0) {
      inFlight = Object(await (await fetch(`${url}/stats`)).json()).inFlight;
    }
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    expect(await failed).toBeInstanceOf(Error);
    expect(readFileSync(bill, 'utf8')).toBe('');
    client.destroy();
  });

  it('every answer that arrived is in the bill, when the process is killed', async () => {
    const bill = join(folder, 'bill.jsonl');
    const child = start('--bill', bill);
    const client = createClient(await ready(child), 'http1');
    const arrived: string[] = [];
    const lane = async () => {
      for (;;) {
        const output = await converse(client);
        arrived.push(output.$metadata.requestId ?? '');
        if (arrived.length === 50) child.kill('SIGKILL');
      }
    };
    await Promise.allSettled([lane(), lane(), lane(), lane()]);
    client.destroy();
    await ended(child);
    const billed = readFileSync(bill, 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line).requestId);
    expect(arrived.length).toBeGreaterThanOrEqual(50);
    expect(billed).toEqual(expect.arrayContaining(arrived));
  });

  it.each([
    ['no bill', [], '--bill FILE is missing'],
    ['an unknown option', ['--bill', 'x', '--speed', '1'], '--speed'],
    ['a port that is no number', ['--bill', 'x', '--port', 'http'], 'whole number'],
  ])('exits with 2 and the usage, given %s', async (_, given, message) => {
    const child = start(...given);
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    await once(child, 'close');
    expect(child.exitCode).toBe(2);
    expect(said).toContain(message);
    expect(said).toContain('Usage:');
  });
});

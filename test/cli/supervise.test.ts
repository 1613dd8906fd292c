import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type Child, superviseChild } from '#cli/stack/child.ts';
import { endLeftovers } from '#cli/stack/leftovers.ts';
import { isAlive, isRunning } from '#cli/stack/processes.ts';
import { type StackState, writeState } from '#cli/stack/state.ts';

const folder = mkdtempSync(join(tmpdir(), 'plot-supervise-'));
const started: Child[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop(1_000)));
});

/** Waits until it is so, with a bound. */
async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !isSo(); await wait(20)) {
    if (Date.now() > deadline) throw new Error(`never: ${isSo.toString()}`);
  }
}

/** A child that runs this code under supervision. */
function supervise(name: string, code: string) {
  const starts: number[] = [];
  const ends: string[] = [];
  const log = join(folder, `${name}.log`);
  const child = superviseChild(
    {
      name,
      command: process.execPath,
      args: ['-e', code],
      env: process.env,
      log,
      ready: { kind: 'line' },
    },
    { onStart: (pid) => starts.push(pid), onEnd: (_, how) => ends.push(how) },
  );
  started.push(child);
  return { child, starts, ends, log };
}

const ready = `console.log('{"ready":true}'); setInterval(() => {}, 1000);`;

describe('superviseChild', () => {
  it('child: started again each time, when it is killed', async () => {
    const { child, starts, ends } = supervise('killed', ready);
    await child.ready;
    for (let kills = 1; kills <= 3; kills += 1) {
      process.kill(child.pid() ?? 0, 'SIGKILL');
      await until(() => starts.length === kills + 1);
    }
    expect(new Set(starts).size).toBe(4);
    expect(ends).toEqual(['signal SIGKILL', 'signal SIGKILL', 'signal SIGKILL']);
    expect(child.restarts()).toBe(3);
    expect(isRunning(starts[3] ?? 0, child.commandLine() ?? '')).toBe(true);
  });

  it('child: its last words are told and it is given up, when it never gets ready', async () => {
    const { child, starts, log } = supervise('broken', `console.error('no disk'); process.exit(9)`);
    await expect(child.ready).rejects.toMatchObject({
      code: 'start_failed',
      exitCode: 7,
      message: 'broken could not be started: exit code 9. Its last words:',
      details: ['no disk'],
    });
    expect(starts).toHaveLength(3);
    expect(readFileSync(log, 'utf8')).toBe('no disk\n'.repeat(3));
  });

  it('child: the reason is told, when there is no such program', async () => {
    const spec = { command: '/no/such/program', args: [], env: {}, log: join(folder, 'none.log') };
    const child = superviseChild(
      { name: 'none', ...spec, ready: { kind: 'line' } },
      { onStart: () => {}, onEnd: () => {} },
    );
    await expect(child.ready).rejects.toThrow(/none could not be started: .*ENOENT/);
  });

  it('child: may finish its work and is not started again, when it is stopped', async () => {
    const finish = `process.on('SIGTERM', () => setTimeout(() => { console.log('done'); process.exit(0) }, 50));`;
    const { child, starts, ends, log } = supervise('polite', finish + ready);
    await child.ready;
    await child.stop(10_000);
    expect({ starts: starts.length, ends, pid: child.pid() }).toEqual({
      starts: 1,
      ends: ['exit code 0'],
      pid: null,
    });
    expect(readFileSync(log, 'utf8')).toContain('done');
  });

  it('child: killed after the time, when it does not end', async () => {
    const { child, ends } = supervise('stubborn', `process.on('SIGTERM', () => {});${ready}`);
    await child.ready;
    await child.stop(200);
    expect(ends).toEqual(['signal SIGKILL']);
  });
});

/** A process that supervises a child and prints the pids of both. */
async function startSupervisor(): Promise<{
  supervisor: ChildProcess;
  child: number;
  guard: number;
}> {
  const supervisor = spawn(
    process.execPath,
    [fileURLToPath(new URL('./supervisor.ts', import.meta.url)), folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = await once(supervisor.stdout ?? supervisor, 'data');
  return { supervisor, ...JSON.parse(String(line)) };
}

describe('guard', () => {
  it('guard: the child ends in order and the guard goes, when the supervisor is killed', async () => {
    const { supervisor, child, guard } = await startSupervisor();
    expect(isAlive(child)).toBe(true);
    supervisor.kill('SIGKILL');
    await until(() => readFileSync(join(folder, 'child.log'), 'utf8').includes('ended in order'));
    await until(() => isGone(child) && isGone(guard));
  });
});

/** Gone, or dead and not yet collected by the process that inherited it. */
function isGone(pid: number): boolean {
  if (!isAlive(pid)) return true;
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

describe('endLeftovers', () => {
  const state: StackState = {
    version: 1,
    supervisor_pid: 1,
    guard_pid: null,
    started_at: '2026-11-20T10:00:00.000Z',
    provider: 'simulator',
    api_url: 'http://127.0.0.1:1',
    temporal_address: '127.0.0.1:1',
    temporal_ui_url: null,
    simulator_url: null,
    logs: folder,
    children: [],
  };

  it('leftovers: ended by their pid and command line, when a stack was cut off with its guard', async () => {
    const left = supervise('left', ready);
    const other = supervise('other', ready);
    await Promise.all([left.child.ready, other.child.ready]);
    const file = join(folder, 'stack.json');
    const command = left.child.commandLine() ?? '';
    writeState(file, {
      ...state,
      children: [
        { name: 'worker-1', pid: left.child.pid() ?? 0, command, restarts: 0 },
        // The pid was given to another process since.
        { name: 'temporal', pid: other.child.pid() ?? 0, command: 'temporal server', restarts: 0 },
      ],
    });
    await endLeftovers(file, () => {});
    await until(() => left.ends.length === 1);
    expect({ left: left.ends, other: other.ends }).toEqual({ left: ['signal SIGTERM'], other: [] });
  });

  it.each([
    { when: 'there is no state', text: null },
    { when: 'the state cannot be read', text: '{"version":1' },
    { when: 'the state is of another version', text: '{"version":2}' },
  ])('leftovers: nothing is done, when $when', async ({ text }) => {
    const file = join(mkdtempSync(join(tmpdir(), 'plot-state-')), 'stack.json');
    if (text !== null) writeFileSync(file, text);
    const said: string[] = [];
    await endLeftovers(file, (line) => said.push(line));
    expect(said).toEqual([]);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isLocked, tryLock } from '#cli/stack/lock.ts';
import { choosePorts } from '#cli/stack/ports.ts';

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'plot-home-'));
}

describe('choosePorts', () => {
  it('ports: the same again, when the stack starts again', async () => {
    const file = join(newFolder(), 'ports.json');
    const first = await choosePorts({ file, api: null });
    expect(await choosePorts({ file, api: null })).toEqual(first);
    expect(new Set(Object.values(first)).size).toBe(4);
  });

  it('ports: the next free one for the taken one alone, when a stored one is taken', async () => {
    const file = join(newFolder(), 'ports.json');
    const first = await choosePorts({ file, api: null });
    const server = createServer().listen(first.api, '127.0.0.1');
    await once(server, 'listening');
    const second = await choosePorts({ file, api: null });
    server.close();
    expect(second).toEqual({ ...first, api: expect.any(Number) });
    expect(second.api).not.toBe(first.api);
  });

  it('ports: refused, when the port that was named is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const choice = choosePorts({ file: join(newFolder(), 'ports.json'), api: port });
    await expect(choice).rejects.toMatchObject({ code: 'port_taken', exitCode: 7 });
    server.close();
  });

  it('ports: chosen anew, when what was stored cannot be read', async () => {
    const file = join(newFolder(), 'ports.json');
    writeFileSync(file, '{"temporal":');
    expect((await choosePorts({ file, api: null })).temporal).toBeGreaterThan(0);
  });
});

describe('tryLock', () => {
  it('lock: refused to others until it is released', () => {
    const file = join(newFolder(), 'stack.lock');
    const lock = tryLock(file);
    expect(tryLock(file)).toBeNull();
    expect(isLocked(file)).toBe(true);
    lock?.release();
    expect(isLocked(file)).toBe(false);
  });

  it('lock: free again, when the process that had it was killed', async () => {
    const file = join(newFolder(), 'stack.lock');
    const lock = resolve(import.meta.dirname, '../../cli/stack/lock.ts');
    const code = `const { tryLock } = await import(${JSON.stringify(lock)});
globalThis.lock = tryLock(${JSON.stringify(file)}); console.log('locked'); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expect(isLocked(file)).toBe(true);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(isLocked(file)).toBe(false);
  });
});

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkBinary, pinnedServer } from '#setup/find-temporal.mjs';
import { archiveUrlOf, installTemporal } from '#setup/install-temporal.mjs';

let folder: string;
let lines: string[];
let server: Server | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plot-palette-install-'));
  lines = [];
  server = null;
});
afterEach(async () => {
  server?.closeAllConnections();
  if (server !== null) await once(server.close(), 'close');
  rmSync(folder, { recursive: true, force: true });
});

const script = (version: string) =>
  `#!/bin/sh\necho 'temporal version 1.8.2 (Server ${version}, UI 2.50.1)'\n`;

/** A gzipped tar as the official one: `temporal` and LICENSE at its top. */
function archive(version: string): Buffer {
  const content = join(folder, 'content');
  mkdirSync(content);
  writeFileSync(join(content, 'temporal'), script(version), { mode: 0o755 });
  writeFileSync(join(content, 'LICENSE'), 'MIT');
  execFileSync('tar', ['-czf', join(folder, 'a.tgz'), '-C', content, 'LICENSE', 'temporal']);
  return readFileSync(join(folder, 'a.tgz'));
}

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/archive`;
}

/** A `go` that writes the given binary to what follows `-o`, and counts how often it was asked to. */
function fakeGo(body: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'go'), `#!/bin/sh\necho built >> '${join(folder, 'builds')}'\n${body}\n`);
  chmodSync(join(bin, 'go'), 0o755);
  return { PATH: `${bin}:/usr/bin:/bin` };
}

const buildsPinned = `while [ "$1" != -o ]; do shift; done
cat > "$2" <<'END'
${script(pinnedServer)}END
chmod +x "$2"`;

const builds = () =>
  existsSync(join(folder, 'builds'))
    ? readFileSync(join(folder, 'builds'), 'utf8').split('\n').length - 1
    : 0;

const target = () => join(folder, 'cache', 'temporal-1.8.2', 'temporal');

function install(archiveUrl: string, env: NodeJS.ProcessEnv): Promise<void> {
  return installTemporal({
    target: target(),
    archiveUrl,
    module: folder,
    env,
    log: (line) => lines.push(line),
  });
}

describe('installTemporal', () => {
  it('unpacks the archive and builds nothing, when the archive can be had', async () => {
    const body = archive(pinnedServer);
    await install(await serve((_, response) => response.end(body)), fakeGo('exit 1'));
    expect(checkBinary(target())).toEqual({ kind: 'usable', server: pinnedServer });
    expect(builds()).toBe(0);
  });

  it.each<{ when: string; listener: () => RequestListener; log: RegExp }>([
    {
      when: 'the archive is refused',
      listener: () => (_, response) => response.writeHead(404).end(),
      log: /HTTP 404/,
    },
    {
      when: 'the connection is cut in the middle',
      listener: () => (_, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('x', () => response.destroy());
      },
      log: /cannot be had/,
    },
    {
      when: 'the body is not an archive',
      listener: () => (_, response) => response.end('<html>'),
      log: /tar:/,
    },
    {
      when: 'the archive holds another server',
      listener: () => {
        const body = archive('1.30.2');
        return (_, response) => response.end(body);
      },
      log: /server 1.30.2 where 1.31.2/,
    },
  ])('builds it with Go and says why, when $when', async ({ listener, log }) => {
    await install(await serve(listener()), fakeGo(buildsPinned));
    expect(checkBinary(target()).kind).toBe('usable');
    expect(lines.join('\n')).toMatch(log);
    expect(builds()).toBe(1);
  });

  it.each([
    { when: 'Go is absent', env: () => ({ PATH: join(folder, 'none') }) },
    { when: 'the build fails', env: () => fakeGo('exit 2') },
    { when: 'the build makes nothing', env: () => fakeGo('exit 0') },
  ])('leaves nothing behind and names the fixes, when $when', async ({ env }) => {
    const url = await serve((_, response) => response.writeHead(503).end());
    const refusal = await install(url, env()).then(String, String);
    expect(refusal).toMatch(
      /Do one of these[\s\S]*TEMPORAL_CLI=[\s\S]*TEMPORAL_ADDRESS=[\s\S]*go\.dev/,
    );
    expect(readdirSync(join(folder, 'cache'), { recursive: true })).toEqual(['temporal-1.8.2']);
  });

  it('builds once, when two setups run at the same time', async () => {
    const url = await serve((_, response) => response.writeHead(503).end());
    const env = fakeGo(buildsPinned);
    await Promise.all([installInProcess(url, env), installInProcess(url, env)]);
    expect(checkBinary(target()).kind).toBe('usable');
    expect(builds()).toBe(1);
  });

  it('takes over, when the process that held the lock has died', async () => {
    const dead = spawn('true');
    await once(dead, 'exit');
    mkdirSync(join(folder, 'cache'));
    writeFileSync(join(folder, 'cache', 'temporal-1.8.2.lock'), String(dead.pid));
    await install(
      await serve((_, response) => response.writeHead(503).end()),
      fakeGo(buildsPinned),
    );
    expect(checkBinary(target()).kind).toBe('usable');
  });
});

/** In a process of its own: the lock is between processes. */
async function installInProcess(archiveUrl: string, env: NodeJS.ProcessEnv): Promise<void> {
  const request = JSON.stringify({ target: target(), archiveUrl, module: folder, env });
  const code = `import { installTemporal } from '#setup/install-temporal.mjs';
await installTemporal({ ...${request}, log: () => {} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
}

describe('archiveUrlOf', () => {
  it.each([
    { platform: 'linux', arch: 'x64', query: 'platform=linux&arch=amd64' },
    { platform: 'darwin', arch: 'arm64', query: 'platform=darwin&arch=arm64' },
  ] as const)('names the archive of $platform $arch', ({ platform, arch, query }) => {
    expect(archiveUrlOf(platform, arch)).toBe(
      `https://temporal.download/cli/archive/v1.8.2?${query}`,
    );
  });
});

/** A supervisor with one child and a guard, to be killed by a test. */
import { join } from 'node:path';
import { superviseChild } from '#cli/stack/child.ts';
import { startGuard } from '#cli/stack/guard.ts';

const code = `process.on('SIGTERM', () => { console.log('ended in order'); process.exit(0) });
console.log('{"ready":true}'); setInterval(() => {}, 1000);`;

const guard = startGuard();
const child = superviseChild(
  {
    name: 'child',
    command: process.execPath,
    args: ['-e', code],
    env: process.env,
    log: join(process.argv[2] ?? '', 'child.log'),
    ready: { kind: 'line' },
  },
  { onStart: (pid) => guard.watch(pid, 'first'), onEnd: () => {} },
);
await child.ready;
process.stdout.write(`${JSON.stringify({ child: child.pid(), guard: guard.pid })}\n`);

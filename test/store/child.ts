import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child {
  /** What it printed so far, line by line. */
  readonly lines: string[];
  /** Resolves once it has printed so many lines, or has ended. */
  printed(count: number): Promise<void>;
  /** SIGKILL: nothing is flushed, closed or handed over. Resolves when all it printed was read. */
  kill(): Promise<void>;
  ended(): Promise<void>;
}

/** A process of its own on a script of `children/`; files above `fileKilobytes` are refused with EFBIG. */
export function startChild(
  script: string,
  args: readonly string[],
  fileKilobytes: number | null = null,
): Child {
  const path = fileURLToPath(new URL(`children/${script}`, import.meta.url));
  const limit = fileKilobytes === null ? '' : `ulimit -f ${fileKilobytes}; `;
  const command = ['-c', `${limit}exec "$0" "$@"`, process.execPath, path, ...args];
  const child = spawn('bash', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  return watched(child, createInterface({ input: child.stdout }));
}

function watched(child: ChildProcess, output: ReturnType<typeof createInterface>): Child {
  const lines: string[] = [];
  const closed = once(child, 'close').then(() => undefined);
  output.on('line', (line) => lines.push(line));
  return {
    lines,
    printed: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (lines.length >= count) resolve();
        };
        output.on('line', look);
        void closed.then(resolve);
        look();
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
    ended: () => closed,
  };
}

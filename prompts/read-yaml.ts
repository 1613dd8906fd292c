import { Worker } from 'node:worker_threads';
import type { YamlAnswer } from './yaml-worker.ts';

/**
 * Reading YAML takes time that grows with the square of some inputs: 100 KB of "? " take minutes. So it runs in a
 * thread of its own, which is ended when it takes longer than any honest document could.
 */
const readMs = 3_000;

export type ReadYaml = YamlAnswer;

export async function readYaml(document: string): Promise<ReadYaml> {
  const json = readJson(document);
  if (json !== undefined) return { kind: 'parsed', value: json };
  const worker = new Worker(new URL('./yaml-worker.ts', import.meta.url), {
    workerData: document,
    stderr: true,
  });
  const answer = await new Promise<ReadYaml>((resolve) => {
    const seconds = readMs / 1000;
    const timer = setTimeout(
      () => resolve(unreadable(`not read within ${seconds} s; simplify it`)),
      readMs,
    );
    worker.on('message', (message: YamlAnswer) => resolve(message));
    worker.on('error', (error) =>
      resolve(unreadable(error instanceof Error ? error.message : String(error))),
    );
    worker.on('exit', () => {
      clearTimeout(timer);
      resolve(unreadable('the reader ended without an answer'));
    });
  });
  await worker.terminate();
  return answer;
}

function unreadable(detail: string): ReadYaml {
  return { kind: 'unreadable', detail };
}

/** JSON is YAML too, but reading it takes no thread. Anything else, broken JSON too, is left to YAML. */
function readJson(document: string): unknown {
  if (!/^\s*\{/.test(document)) return undefined;
  try {
    return JSON.parse(document);
  } catch {
    return undefined;
  }
}

import { parentPort, workerData } from 'node:worker_threads';
import { type EngineAnswer, openEngine } from './quickjs.ts';
import type { Batch, BatchAnswer, SandboxTask } from './sandbox.ts';

/** The thread that owns the engine. It answers one batch after another and says which task it is at. */
if (parentPort === null) throw new Error('sandbox-worker.ts runs as a worker thread only');
const port = parentPort;
const progress: Int32Array = workerData.progress;
const engine = await openEngine();
/** The texts of each defined step, to define it again in a fresh engine. */
const definitions = new Map<string, string>();

port.on('message', (batch: Batch) => void answer(batch));
port.postMessage('ready');

async function answer(batch: Batch): Promise<void> {
  for (const key of batch.forgotten) definitions.delete(key);
  for (const [key, json] of batch.definitions) definitions.set(key, json);
  const answers: string[] = [];
  for (const task of batch.tasks) {
    Atomics.store(progress, 0, answers.length);
    answers.push(await perform(task));
  }
  port.postMessage({ id: batch.id, answers } satisfies BatchAnswer);
}

async function perform(task: SandboxTask): Promise<string> {
  if (task[0] === 'analyse') return told(await engine.call('analyse', task[1], task[2]));
  const [, key, json] = task;
  return told(await render(key, json));
}

/**
 * Renders, compiling the step first if the engine does not have it. An engine that ran out of memory may have been
 * full of other templates: the same call then decides itself in a fresh one.
 */
async function render(key: string, json: string): Promise<EngineAnswer> {
  let answer = await engine.call('render', json);
  if (isFull(answer)) answer = { kind: 'returned', text: 'unknown-step' };
  if (answer.kind !== 'returned' || answer.text !== 'unknown-step') return answer;
  let defined = await engine.call('define', key, definitions.get(key) ?? '');
  if (isFull(defined)) defined = await engine.call('define', key, definitions.get(key) ?? '');
  if (defined.kind !== 'returned' || defined.text !== 'defined') return defined;
  return engine.call('render', json);
}

function isFull(answer: EngineAnswer): boolean {
  return answer.kind === 'exhausted' && /memory/.test(answer.detail);
}

/** One letter says what follows: an answer, or why there is none. */
function told(answer: EngineAnswer): string {
  switch (answer.kind) {
    case 'returned':
      return `=${answer.text}`;
    case 'exhausted':
      return `!${answer.detail}`;
    case 'broken':
      return `?${answer.detail}`;
  }
}

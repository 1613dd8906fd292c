import { parentPort, workerData } from 'node:worker_threads';
import type { Batch } from '#prompts/sandbox.ts';

/** A sandbox thread that echoes its tasks, and dies or hangs on the ones that say so. */
const progress: Int32Array = workerData.progress;
parentPort?.on('message', (batch: Batch) => {
  const answers = batch.tasks.map(([, , text], index) => {
    Atomics.store(progress, 0, index);
    if (text === 'exit') process.exit(3);
    if (text === 'throw') throw new Error('the thread fell over');
    if (text === 'hang') for (;;);
    return `=${text}`;
  });
  parentPort?.postMessage({ id: batch.id, answers });
});
parentPort?.postMessage('ready');

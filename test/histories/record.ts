/**
 * Records the histories that the replay test replays: `node test/histories/record.ts`. Run it when a
 * workflow's commands change on purpose; histories of released versions stay, under their own names.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { startTestStack, type TestStack } from '#test/stack/stack.ts';
import { startTemporal } from '#test/temporal-server.ts';
import { workflowIdOf } from '#workflows/contract.ts';

const records = 200;
const knobs = { latency: { ms: 60 } };

await recordShapes();

async function recordShapes(): Promise<void> {
  // A new run is due where the server says so: told to say it early, it makes short histories.
  const server = await startTemporal(['limit.historyCount.suggestContinueAsNew=60']);
  try {
    const variables = { TEMPORAL_ADDRESS: server.address };
    await record({ workers: 1, variables }, [continuedAsNew]);
  } finally {
    await server.stop();
  }
  await record({ workers: 2 }, [small, pausedAndResumed, outOfMoneyAndRaised, cancelled, killed]);
}

type Shape = (stack: TestStack) => Promise<{ readonly name: string; readonly id: string }>;

async function record(
  options: { readonly workers: number; readonly variables?: Readonly<Record<string, string>> },
  shapes: readonly Shape[],
): Promise<void> {
  const stack = await startTestStack({ ...options, knobs });
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const client = new Client({ connection });
  try {
    for (const shape of shapes) {
      const { name, id } = await shape(stack);
      await write(client, name, id);
    }
  } finally {
    await connection.close();
    await stack.stop();
  }
}

/** Every run of the job's workflow, the first one first. */
async function write(client: Client, name: string, jobId: string): Promise<void> {
  const workflowId = workflowIdOf(jobId);
  let runId = (await client.workflow.getHandle(workflowId).describe()).raw.workflowExecutionInfo
    ?.firstRunId;
  for (let run = 1; runId; run += 1) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const file = join(import.meta.dirname, `${name}-${run}.history.json`);
    writeFileSync(file, `${JSON.stringify(JSON.parse(historyToJSON(history)), withoutPlace)}\n`);
    const last = history.events?.at(-1);
    process.stdout.write(`${file}: ${history.events?.length} events\n`);
    runId = last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
}

/** Neither the name of the machine that recorded nor the paths on it say anything to a replay. */
function withoutPlace(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return undefined;
  // `<pid>@<host>`: who did it, and the queue that its later tasks went to.
  return typeof value === 'string' && /^\d+@/.test(value) ? 'recorder' : value;
}

async function small(stack: TestStack) {
  const { id } = await stack.submit({ records: 30 });
  await stack.untilEnded(id);
  return { name: 'small', id };
}

async function continuedAsNew(stack: TestStack) {
  const { id } = await stack.submit({ records, concurrency: 4 });
  await stack.untilEnded(id);
  return { name: 'continued-as-new', id };
}

async function pausedAndResumed(stack: TestStack) {
  const { id } = await stack.submit({ records });
  await stack.until(id, (job) => job.records.accepted >= 20);
  await stack.api.control(id, 'pause');
  await stack.until(id, ({ status }) => status === 'paused');
  await stack.api.control(id, 'resume');
  await stack.untilEnded(id);
  return { name: 'paused-and-resumed', id };
}

async function outOfMoneyAndRaised(stack: TestStack) {
  const { id } = await stack.submit({ records, limit: '0.004' });
  await stack.until(id, ({ status }) => status === 'budget_exhausted');
  await stack.api.setLimit(id, '1.00');
  await stack.untilEnded(id);
  return { name: 'out-of-money-and-raised', id };
}

async function cancelled(stack: TestStack) {
  const { id } = await stack.submit({ records });
  await stack.until(id, (job) => job.records.accepted >= 20);
  await stack.api.control(id, 'cancel');
  await stack.untilEnded(id);
  return { name: 'cancelled', id };
}

async function killed(stack: TestStack) {
  const { id } = await stack.submit({ records });
  await stack.until(id, (job) => job.records.accepted >= 20);
  stack.signal('worker', 'SIGKILL');
  await stack.untilEnded(id);
  return { name: 'worker-killed', id };
}

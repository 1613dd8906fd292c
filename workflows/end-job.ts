/** How a job ends, and what it delivers whatever way it ends. */
import { condition } from '@temporalio/workflow';
import { activities } from './activities.ts';
import type { DatasetInput, DatasetResult } from './contract.ts';
import { batchUndone } from './next-action.ts';
import { changeStatus, type Run, setStatus } from './run.ts';

export const breachMessage =
  'An answer was billed above the most its call could cost: the account is frozen and nothing more is sent. Compare the provider’s bill with provenance.jsonl.';

export async function finish(run: Run): Promise<DatasetResult | null> {
  await setStatus(run, 'finalizing', {});
  const exported = await deliver(run, 'completed');
  if (exported.damaged.length > 0) {
    // Their answers are lost to a damaged disk: made again, as any batch that came back undone.
    run.state.finishedBatches -= exported.damaged.length;
    for (const batch of exported.damaged) batchUndone(run.state, batch);
    await setStatus(run, 'running', {});
    return null;
  }
  await setStatus(run, 'completed', {});
  return resultOf('completed', exported);
}

export async function fail(run: Run, message: string): Promise<DatasetResult> {
  const kind = message === breachMessage ? ('breach' as const) : ('internal' as const);
  const exported = await deliver(run, 'failed');
  await setStatus(run, 'failed', { failure: { kind, message } });
  return resultOf('failed', exported);
}

/** What is there is delivered: every answer that was paid for can be read. */
export async function cancelJob(run: Run): Promise<DatasetResult> {
  await condition(() => run.state.inFlight === 0);
  await setStatus(run, 'cancelling', {});
  const exported = await deliver(run, 'cancelled');
  await setStatus(run, 'cancelled', {});
  return resultOf('cancelled', exported);
}

export async function cancelUnplanned(
  input: DatasetInput,
  statusSeq: number,
): Promise<DatasetResult> {
  const progress = { statusSeq };
  await changeStatus(progress, input.jobId, 'cancelling');
  await changeStatus(progress, input.jobId, 'cancelled');
  return {
    status: 'cancelled',
    accepted: 0,
    rejected: 0,
    failed: 0,
    notStarted: 0,
    spent: '0.00',
    manifestSha256: null,
  };
}

type Delivered = Awaited<ReturnType<typeof activities.exportDataset>> & { readonly spent: string };

export async function deliver(
  run: Run,
  status: 'completed' | 'failed' | 'cancelled' | 'budget_exhausted',
): Promise<Delivered> {
  const { jobId } = run.input;
  const { spent } = await activities.settleAccount({ jobId });
  run.exports += 1;
  const { plan } = run.state;
  const exported = await activities.exportDataset({ jobId, plan, number: run.exports, status });
  return { ...exported, spent };
}

function resultOf(status: DatasetResult['status'], exported: Delivered): DatasetResult {
  const { accepted, rejected, failed, notStarted, spent, manifestSha256 } = exported;
  return { status, accepted, rejected, failed, notStarted, spent, manifestSha256 };
}

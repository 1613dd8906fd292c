/** One attempt at one batch: replays the journal, pays for what is missing, puts the part. */
import { assert } from '#domain/assert.ts';
import { wantedHold } from '#domain/budget.ts';
import { formatUsd, type PicoUsd, pico } from '#domain/money.ts';
import { batchKey } from '#domain/plan.ts';
import type { BatchInput, BatchResult } from './contract.ts';
import { type EarlierAnswers, indexAnswers, promptSha256, worstOf } from './earlier-answers.ts';
import { momentOf } from './hold-commands.ts';
import { cannotRun, type JobContext } from './job-context.ts';
import type { JobPool } from './job-pool.ts';
import { type BatchPorts, type AttemptHold, payForBatch } from './pay-for-batch.ts';
import { finishedPart, putPart } from './put-part.ts';
import { recoverAnswers } from './recover-answers.ts';
import { replayBatch, runBatch } from './run-batch.ts';

export function createGenerateBatch(ports: BatchPorts) {
  return async function generateBatch(input: BatchInput): Promise<BatchResult> {
    const job = await ports.contexts(input.jobId);
    const stored = await finishedPart(ports.store, job, input);
    if (stored !== null) return stored;
    const member = ports.pools.join(input.jobId, input.concurrency, input.waiting);
    const result = await attemptBatch(ports, job, input, member.pool).catch(async (error) => {
      await member.leave();
      throw error;
    });
    if (result.kind === 'finished') return { ...result, isLent: await member.lendOrLeave() };
    await member.leave();
    return result;
  };
}

async function attemptBatch(
  ports: BatchPorts,
  job: JobContext,
  input: BatchInput,
  pool: JobPool,
): Promise<BatchResult> {
  const batch = batchKey(input.batch);
  const before = indexAnswers(job.jobId, batch, await ports.store.journal.read(job.jobId, batch));
  const missing = await firstMissing(job, input, before);
  if (missing === null) return await finishFromJournal(ports, job, input, before);
  const opened = await openHold(ports, job, input, missing);
  if (opened.kind !== 'opened') return opened;
  return await payForBatch(ports, {
    job,
    input,
    opened,
    pool,
    async readEarlier() {
      // Read after opening: the predecessor is abandoned now, and what it wrote before is recovered here.
      const attempts = await ports.store.journal.read(job.jobId, batch);
      await recoverAnswers(ports.store, job.jobId, batch, attempts);
      return indexAnswers(job.jobId, batch, attempts);
    },
  });
}

/** The first call that the journal has no answer for, at its worst; null when every answer is there. */
async function firstMissing(
  job: JobContext,
  input: BatchInput,
  earlier: EarlierAnswers,
): Promise<PicoUsd | null> {
  let worst: PicoUsd | null = null;
  await runBatch({
    job,
    range: input,
    recordsInFlight: 1,
    isStopped: () => worst !== null,
    onOutcome: () => undefined,
    ask: async (question) => {
      const paid = earlier.find(question, promptSha256(question));
      if (paid !== null) return { kind: 'answered', paid };
      const its = worstOf(question);
      worst = worst === null || its < worst ? its : worst;
      return { kind: 'not-started' };
    },
  });
  return worst;
}

async function finishFromJournal(
  ports: BatchPorts,
  job: JobContext,
  input: BatchInput,
  earlier: EarlierAnswers,
): Promise<BatchResult> {
  const { lines } = await replayBatch(job, input, earlier);
  assert(
    lines.length === input.size,
    `batch ${input.batch} is in the journal, and is not complete`,
  );
  return await putPart(ports.store, job, input, lines);
}

async function openHold(
  ports: BatchPorts,
  job: JobContext,
  input: BatchInput,
  least: PicoUsd,
): Promise<AttemptHold | BatchResult> {
  const account = await ports.store.ledger.account(job.jobId);
  if (account === null) throw cannotRun(`job ${job.jobId} has no account`);
  const wanted = wantedBy(job, input, least);
  const sentAt = momentOf(ports.clock);
  const outcome = await ports.store.ledger.execute({
    kind: 'open',
    account: job.jobId,
    batch: batchKey(input.batch),
    wanted: wanted(account.available),
    least,
    at: ports.clock.timestamp(),
  });
  if (outcome.kind === 'done') {
    assert(outcome.hold !== null, 'an opened hold is answered');
    return { kind: 'opened', hold: outcome.hold, account: outcome.account, sentAt, wanted };
  }
  const { refusal } = outcome;
  if (refusal.kind === 'account-frozen') return { kind: 'frozen', batch: input.batch };
  assert(refusal.kind === 'budget-exhausted', `a hold was refused: ${refusal.kind}`);
  return {
    kind: 'out-of-money',
    batch: input.batch,
    needed: formatUsd(refusal.least),
    available: formatUsd(refusal.available),
  };
}

/** How much to hold of what is available, by the worst case of one of the batch's calls. */
function wantedBy(job: JobContext, input: BatchInput, callWorst: PicoUsd) {
  const remainingWorst = pico(callWorst * BigInt(input.size * job.steps.length));
  const { concurrency, window } = input;
  return (available: PicoUsd) =>
    wantedHold({ callWorst, remainingWorst, concurrency, available, window });
}

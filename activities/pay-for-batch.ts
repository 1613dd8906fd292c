/** The live part of an attempt: an open hold, calls to the provider, and an orderly end for every stop. */
import { cancellationDetails, cancellationSignal } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { assert } from '#domain/assert.ts';
import { failure } from '#domain/failure.ts';
import { formatUsd, type PicoUsd } from '#domain/money.ts';
import { acceptedSampling } from '#domain/pricing.ts';
import { type BatchInput, type BatchResult, retryLater } from './contract.ts';
import { type EarlierAnswers, promptSha256, worstOf } from './earlier-answers.ts';
import type { OpenedHold } from './hold-commands.ts';
import { type HoldOwner, ownHold } from './holder.ts';
import { cannotRun, type JobContext, type JobContexts } from './job-context.ts';
import type { JobPool, JobPools } from './job-pool.ts';
import { createPaidCalls, type PaidCall, type PaidCalls, type Stop } from './paid-calls.ts';
import { type PartLine, partLine } from './part.ts';
import type { ActivityPorts } from './ports.ts';
import type { BatchReport, ProgressReports } from './progress-report.ts';
import { type FinishedBatch, putPart } from './put-part.ts';
import { type Ask, type Asked, type Question, triesMax } from './record-program.ts';
import { runBatch } from './run-batch.ts';

export interface BatchPorts extends ActivityPorts {
  readonly contexts: JobContexts;
  readonly pools: JobPools;
  readonly reports: ProgressReports;
}

/** The hold of an attempt, and how much of what is available it would like to hold. */
export interface AttemptHold extends OpenedHold {
  readonly kind: 'opened';
  readonly wanted: (available: PicoUsd) => PicoUsd;
}

export interface Attempt {
  readonly job: JobContext;
  readonly input: BatchInput;
  readonly opened: AttemptHold;
  readonly pool: JobPool;
  /** Answers of earlier attempts; their cost is recovered on the way. */
  readEarlier(): Promise<EarlierAnswers>;
}

/** Answers on the wire are awaited so long after SIGTERM, then given up: the worker is forced at 100 s. */
const drainMsMax = 85_000;

export async function payForBatch(ports: BatchPorts, attempt: Attempt): Promise<BatchResult> {
  const { job, input, opened } = attempt;
  const { hold } = opened;
  const owner = ownHold({
    ledger: ports.store.ledger,
    clock: ports.clock,
    opened,
    wanted: opened.wanted,
  });
  const abort = new AbortController();
  const calls = createPaidCalls({
    attempt: { jobId: job.jobId, batch: hold.batch, ordinal: hold.ordinal },
    owner,
    journal: ports.store.journal,
    model: ports.model,
    gates: ports.gates,
    pool: attempt.pool,
    clock: ports.clock,
    abort: abort.signal,
  });
  const unwatch = watchForStop(ports, calls, abort);
  try {
    const ended = await payToTheEnd(ports, attempt, owner, calls);
    if (ended.kind === 'finished') return ended;
    return await explainStop(ports, job, input, ended.stop);
  } finally {
    unwatch();
  }
}

/** The attempt from its open hold to its closed one, whatever goes wrong in between. */
async function payToTheEnd(
  ports: BatchPorts,
  attempt: Attempt,
  owner: HoldOwner,
  calls: PaidCalls,
): Promise<Ended> {
  const { job, input } = attempt;
  try {
    const earlier = await attempt.readEarlier();
    const report = await ports.reports.begin({ job, input, owner, answers: earlier.answers });
    try {
      const lines = await runPaid(ports, attempt, { earlier, calls, report });
      await calls.drained();
      // Before the part's own counts are recorded: a report under way would write over them.
      await report.end();
      return await conclude(ports, attempt, { owner, report, lines, stop: calls.stopped() });
    } finally {
      await report.end();
    }
  } catch (error) {
    await giveBack(owner, calls);
    throw error;
  }
}

/**
 * After an error that says nothing of the money, such as a seed row that cannot be read: were the hold
 * left open, each next attempt would abandon it, and all of the limit would become unknown in the end.
 */
async function giveBack(owner: HoldOwner, calls: PaidCalls): Promise<void> {
  calls.stop({ kind: 'asked' });
  await calls.drained();
  // What cannot be closed is abandoned by the next attempt; the first error is the one to tell.
  await owner.close().catch(() => undefined);
}

/** SIGTERM, and a job that was paused or cancelled: no new calls, those on the wire are awaited. */
function watchForStop(ports: BatchPorts, calls: PaidCalls, abort: AbortController): () => void {
  const cancelled = cancellationSignal();
  const giveUp = () => abort.abort(new Error('the worker is about to be ended'));
  let cancelGiveUp: (() => void) | null = null;
  const stop = () => {
    calls.stop({ kind: 'asked' });
    if (ports.drain.aborted) cancelGiveUp ??= ports.clock.after(drainMsMax, giveUp);
  };
  const signals = [cancelled, ports.drain];
  for (const signal of signals) {
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }
  return () => {
    for (const signal of signals) signal.removeEventListener('abort', stop);
    cancelGiveUp?.();
  };
}

async function runPaid(
  ports: BatchPorts,
  attempt: Attempt,
  paying: Paying,
): Promise<readonly PartLine[]> {
  const { job, input } = attempt;
  const { calls, report } = paying;
  const lines: PartLine[] = [];
  await runBatch({
    job,
    range: input,
    // Enough to use every call of the job, when the batches beside this one have ended.
    recordsInFlight: job.spec.concurrency,
    isStopped: () => calls.stopped() !== null,
    onError: () => calls.stop({ kind: 'asked' }),
    ask: askProvider(ports, attempt, paying),
    onOutcome: (outcome) => {
      const line = partLine(job, outcome);
      if (line === null) return;
      lines.push(line);
      report.ended(line.kind);
    },
  });
  return lines;
}

interface Paying {
  readonly earlier: EarlierAnswers;
  readonly calls: PaidCalls;
  readonly report: BatchReport;
}

/** The journal's answer to a question, or a paid one: new tries wait 1, 2, 4, 8, 16 s. */
function askProvider(
  ports: BatchPorts,
  { job, opened }: Attempt,
  { earlier, calls, report }: Paying,
): Ask {
  async function ask(question: Question): Promise<Asked> {
    const sha256 = promptSha256(question);
    const paid = earlier.find(question, sha256);
    if (paid !== null) return { kind: 'answered', paid };
    const wanted = paidCallFor(job, question, sha256);
    for (let lost = 0; ; lost += 1) {
      await backOff(question.try + lost);
      const result = await calls.call(wanted);
      if (result.kind === 'stopped') return { kind: 'not-started' };
      if (result.kind === 'answered') {
        report.answered();
        return { kind: 'answered', paid: { hold: opened.hold.id, entry: result.entry } };
      }
      const { failure: seen } = result;
      const mayTryAgain = seen.kind === 'no-answer' || seen.kind === 'provider-error';
      if (!mayTryAgain) return result;
      if (lost + 1 >= triesMax) {
        const message = `no answer after ${triesMax} calls; the last one: ${seen.message}`;
        return { kind: 'failed', failure: failure(seen.kind, message) };
      }
    }
  }

  function backOff(tries: number): Promise<void> | null {
    if (tries === 0) return null;
    return ports.clock.sleep(1_000 * 2 ** Math.min(tries - 1, 4), calls.stopping);
  }

  return ask;
}

function paidCallFor(job: JobContext, question: Question, sha256: string): PaidCall {
  const { step, price, system, prompt } = question;
  return {
    record: question.record,
    step: step.id,
    try: question.try,
    promptSha256: sha256,
    price,
    worst: worstOf(question),
    order: question.try > 0 || job.needsOf(step.id).length > 0 ? 'continue' : 'begin',
    request: {
      model: price.model,
      system,
      prompt,
      maxTokens: step.maxTokens,
      ...acceptedSampling(price, step),
      stop: step.stop,
    },
  };
}

interface Drained {
  readonly owner: HoldOwner;
  readonly report: BatchReport;
  readonly lines: readonly PartLine[];
  readonly stop: Stop | null;
}

type Ended = FinishedBatch | { readonly kind: 'stopped'; readonly stop: Stop };

async function conclude(
  ports: BatchPorts,
  { job, input }: Attempt,
  { owner, report, lines, stop }: Drained,
): Promise<Ended> {
  if (lines.length === input.size) {
    const finished = await putPart(ports.store, job, input, lines);
    await owner.close();
    return finished;
  }
  assert(stop !== null, `batch ${input.batch} ended early and nothing stopped it`);
  await report.write();
  await owner.close();
  return { kind: 'stopped', stop };
}

async function explainStop(
  ports: BatchPorts,
  job: JobContext,
  input: BatchInput,
  stop: Stop,
): Promise<BatchResult> {
  const { batch } = input;
  switch (stop.kind) {
    case 'out-of-money':
      return {
        kind: 'out-of-money',
        batch,
        needed: formatUsd(stop.needed),
        available: formatUsd(stop.available),
      };
    case 'frozen':
      return { kind: 'frozen', batch };
    case 'asked':
      if (!ports.drain.aborted && cancellationDetails()?.cancelRequested) {
        return { kind: 'handed-back', batch };
      }
      throw later(retryLater.workerDraining, 'this worker is ending', 0);
    case 'hold-lost':
      throw later(retryLater.holdLost, stop.reason, 1_000);
    case 'store-down':
      throw later(retryLater.storeDown, stop.reason, 5_000);
    case 'provider-down':
    case 'quota':
      await ports.reports.waiting(job.jobId, stop.kind, stop.failure.message);
      throw later(retryLater.providerDown, stop.failure.message, stop.retryInMs);
    case 'job-cannot-run':
      throw cannotRun(stop.failure.message);
  }
}

/** A planned retry: not an error in anybody's log. */
function later(type: string, message: string, afterMs: number): ApplicationFailure {
  const nextRetryDelay = Math.max(afterMs, 1);
  const category = ApplicationFailureCategory.BENIGN;
  return ApplicationFailure.create({ type, message, nextRetryDelay, category });
}

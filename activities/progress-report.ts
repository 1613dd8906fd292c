/** Keeps the store's picture of a running batch fresh: progress, spent money, why nothing is sent. */
import { heartbeat } from '@temporalio/activity';
import type { CallGates, GateState } from '#bedrock/contract.ts';
import type { Failure } from '#domain/failure.ts';
import type { Progress, Waiting } from '#domain/job.ts';
import { batchKey } from '#domain/plan.ts';
import type { BatchInput } from './contract.ts';
import type { HoldOwner } from './holder.ts';
import type { JobContext } from './job-context.ts';
import type { ActivityPorts } from './ports.ts';

export interface BatchReport {
  ended(kind: 'accepted' | 'failed'): void;
  answered(): void;
  /** Writes what is not written yet. */
  write(): Promise<void>;
  /** No further reports; the one under way is awaited. */
  end(): Promise<void>;
}

export interface ReportedBatch {
  readonly job: JobContext;
  readonly input: BatchInput;
  readonly owner: HoldOwner;
  /** Answers that earlier attempts left in the journal. */
  readonly answers: number;
}

const ownKinds = ['throttled', 'provider-down', 'quota', 'worker-trouble'] as const;
type OwnWaiting = (typeof ownKinds)[number];

export interface ProgressReports {
  begin(batch: ReportedBatch): Promise<BatchReport>;
  waiting(jobId: string, kind: OwnWaiting | null, detail: string): Promise<void>;
}

const tickMs = 1_000;
/** Money and counts are written every other second: a few times per batch, not per call. */
const ticksPerWrite = 2;
/** A throttle shorter than this is the gate's everyday work and needs no word. */
const throttledMsMin = 3_000;

export function createProgressReports(ports: ActivityPorts): ProgressReports {
  const { store, clock } = ports;
  /** What this process last said of a job; absent means that it has said nothing. */
  const said = new Map<string, OwnWaiting | null>();

  async function waiting(jobId: string, kind: OwnWaiting | null, detail: string): Promise<void> {
    if (said.get(jobId) === kind) return;
    const before = said.get(jobId) ?? null;
    said.set(jobId, kind);
    const at = clock.timestamp();
    try {
      await store.jobs.setWaiting(jobId, kind === null ? null : { kind, detail, since: at });
    } catch (error) {
      // It was not said: the next look says it again.
      said.set(jobId, before);
      throw error;
    }
    await store.events.append(jobId, { at, type: 'waiting', data: { kind, detail } });
  }

  /** Another process may have said why nothing is sent, and be gone: this one takes its word back. */
  async function takeOver(jobId: string): Promise<void> {
    if (said.has(jobId)) return;
    const job = await store.jobs.get(jobId);
    const kind = job?.waiting?.kind ?? null;
    said.set(jobId, isOwn(kind) ? kind : null);
  }

  async function begin(batch: ReportedBatch): Promise<BatchReport> {
    await takeOver(batch.job.jobId);
    return reportBatch(ports, batch, waiting);
  }

  return { begin, waiting };
}

function isOwn(kind: Waiting['kind'] | null): kind is OwnWaiting {
  return ownKinds.some((own) => own === kind);
}

function reportBatch(
  ports: ActivityPorts,
  { job, input, owner, answers }: ReportedBatch,
  say: ProgressReports['waiting'],
): BatchReport {
  const models = new Set(job.steps.map((step) => job.priceOf(step.id).model));
  let progress: Progress = { accepted: 0, rejected: 0, failed: 0, calls: answers };
  let written: Progress | null = null;
  let ticks = 0;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    if (written === progress) return await owner.settle();
    // An attempt that stalled and was replaced must not write over the other's counts.
    if (!(await owner.isHeld())) return;
    written = progress;
    await ports.store.jobs.recordBatch(job.jobId, batchKey(input.batch), progress);
  }

  async function tick(): Promise<void> {
    ticks += 1;
    const reason = reasonOf(ports.gates, models, ports.clock.now());
    await say(job.jobId, reason?.kind ?? null, reason?.detail ?? '');
    if (ticks % ticksPerWrite === 0) await write();
  }

  /** Beats at once and every second from then on, whatever the writing does. */
  function beat(): void {
    heartbeat({ ended: progress.accepted + progress.failed, of: input.size });
    cancelBeat = ports.clock.after(tickMs, () => {
      // One at a time, and a store that fails here is met again by the next command of the batch.
      writing = writing.then(tick).catch(() => undefined);
      beat();
    });
  }

  let cancelBeat: () => void = () => undefined;
  beat();

  return {
    ended: (kind) => {
      progress = { ...progress, [kind]: progress[kind] + 1 };
    },
    answered: () => {
      progress = { ...progress, calls: progress.calls + 1 };
    },
    write,
    async end() {
      cancelBeat();
      await writing;
    },
  };
}

/** What an open circuit is called: a quota that is used up is no outage, and lasts longer. */
function outageOf({ kind }: Failure): 'quota' | 'provider-down' {
  return kind === 'quota-exceeded' ? 'quota' : 'provider-down';
}

function reasonOf(
  gates: CallGates,
  models: ReadonlySet<string>,
  nowMs: number,
): { readonly kind: OwnWaiting; readonly detail: string } | null {
  for (const model of models) {
    const reason = reasonOfGate(model, gates(model).state(), nowMs);
    if (reason !== null) return reason;
  }
  return null;
}

function reasonOfGate(model: string, state: GateState, nowMs: number) {
  switch (state.kind) {
    case 'flowing':
      return null;
    case 'throttled': {
      if (nowMs - state.sinceMs < throttledMsMin) return null;
      const detail = `${model} throttles: at most ${state.limit} calls in flight until it answers again`;
      return { kind: 'throttled' as const, detail };
    }
    case 'open':
      return { kind: outageOf(state.failure), detail: state.failure.message };
  }
}

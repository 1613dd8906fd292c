/** Makes a job's files again from its journal, without a call: the same answers give the same bytes. */
import { holdId } from '#domain/account.ts';
import type { LostKind, RefusalKind } from '#domain/failure.ts';
import type { Json } from '#domain/json.ts';
import type { ManifestFile } from '#domain/manifest.ts';
import { batchKey, type BatchPlan, batchRange } from '#domain/plan.ts';
import type { JournalAttempt, Store } from '#store/contract.ts';
import { indexAnswers } from './earlier-answers.ts';
import type { JobContext } from './job-context.ts';
import { type LineFiles, writeLines } from './line-file.ts';
import { decodePart, inOrder, type Part, type PartLine, partKey } from './part.ts';
import { replayBatch } from './run-batch.ts';

export interface ReplayedDataset {
  readonly files: readonly ManifestFile[];
  /** Records made again from seed rows, template and journaled answers. */
  readonly replayed: number;
  /** Records that failed for want of an answer: no journal can show that, so their lines are the parts'. */
  readonly copied: number;
}

/** Writes the files of the job as its batches stand; changes nothing in the store. */
export async function replayDataset(
  store: Pick<Store, 'objects' | 'journal'>,
  job: JobContext,
  plan: BatchPlan,
  files: LineFiles,
): Promise<ReplayedDataset> {
  let replayed = 0;
  let copied = 0;
  for (let batch = 0; batch < plan.batches; batch += 1) {
    const lines = await replayOne(store, job, plan, batch);
    await writeLines(files, inOrder([...lines.made, ...lines.copied]));
    replayed += lines.made.length;
    copied += lines.copied.length;
  }
  const all = [files.records, files.provenance, files.failures];
  const described = await Promise.all(all.map((file) => file.finish()));
  return { files: described, replayed, copied };
}

interface BatchLines {
  readonly made: readonly PartLine[];
  readonly copied: readonly PartLine[];
}

async function replayOne(
  store: Pick<Store, 'objects' | 'journal'>,
  job: JobContext,
  plan: BatchPlan,
  number: number,
): Promise<BatchLines> {
  const batch = batchKey(number);
  const bytes = await store.objects.get(partKey(job.jobId, batch));
  const part = bytes === null ? null : decodePart(bytes);
  const attempts = await store.journal.read(job.jobId, batch);
  const used = part === null ? attempts : usedBy(job.jobId, batch, part, attempts);
  const answers = indexAnswers(job.jobId, batch, used);
  const { lines } = await replayBatch(job, batchRange(plan, number), answers);
  const copied = (part?.lines ?? []).filter(wantedAnAnswer);
  const indexes = new Set(copied.map(({ line }) => line['index']));
  return { made: lines.filter(({ line }) => !indexes.has(line['index'])), copied };
}

/**
 * The journal without answers that came too late for the part: an attempt that was given up may have
 * journaled its own answer to a question after another attempt's was used.
 */
function usedBy(
  jobId: string,
  batch: string,
  part: Part,
  attempts: readonly JournalAttempt[],
): JournalAttempt[] {
  const used = new Set(
    part.lines.flatMap(({ provenance }) =>
      provenance.calls.map((call) => nameOf(call['hold'], call['call'])),
    ),
  );
  return attempts.map(({ ordinal, entries }) => ({
    ordinal,
    entries: entries.filter(
      (entry) => entry !== 'corrupt' && used.has(nameOf(holdId(jobId, batch, ordinal), entry.call)),
    ),
  }));
}

function nameOf(hold: Json | undefined, call: Json | undefined): string {
  return JSON.stringify([hold, call]);
}

/** Failures that a call ended in without an answer. All others follow from the row or from an answer. */
const withoutAnswer: Record<RefusalKind | LostKind, true> = {
  throttled: true,
  'quota-exceeded': true,
  unreachable: true,
  'service-unavailable': true,
  'model-not-ready': true,
  'request-refused': true,
  'access-denied': true,
  'model-not-found': true,
  'not-sent': true,
  'no-answer': true,
  'provider-error': true,
};

function wantedAnAnswer({ kind, line }: PartLine): boolean {
  const { reason } = line;
  return kind === 'failed' && typeof reason === 'string' && Object.hasOwn(withoutAnswer, reason);
}

/** Delivers a job's files from its parts, and from the journal where a batch has no part yet. */
import { createHash } from 'node:crypto';
import { activityInfo, heartbeat } from '@temporalio/activity';
import { assert } from '#domain/assert.ts';
import type { Output, RecordCounts } from '#domain/job.ts';
import { canonicalJson, type Manifest, type ManifestFile } from '#domain/manifest.ts';
import { add, formatUsd, type PicoUsd, subtract, usd, zero } from '#domain/money.ts';
import { batchKey, batchRange } from '#domain/plan.ts';
import { priceTableVersion } from '#domain/pricing.ts';
import type { Plan } from '#workflows/contract.ts';
import type { ExportInput, ExportResult } from './contract.ts';
import { indexAnswers } from './earlier-answers.ts';
import type { JobContext, JobContexts } from './job-context.ts';
import { type LineFiles, openLineFiles, writeLines } from './line-file.ts';
import { countLines, decodePart, type PartLine, partKey } from './part.ts';
import type { ActivityPorts } from './ports.ts';
import { putPart } from './put-part.ts';
import { replayBatch } from './run-batch.ts';

export function createExportDataset(ports: ActivityPorts, contexts: JobContexts) {
  return async function exportDataset(input: ExportInput): Promise<ExportResult> {
    const job = await contexts(input.jobId);
    const { attempt } = activityInfo();
    // An attempt that was given up may still write: its files are never those of another.
    const prefix = `exports/${input.jobId}/${input.number}-${attempt}`;
    const open = await openLineFiles((path) => ports.store.objects.write(`${prefix}/${path}`));
    const all = [open.records, open.provenance, open.failures];
    try {
      const tally = await writeBatches(ports, job, input.plan, open);
      const files = await Promise.all(all.map((file) => file.finish()));
      const manifest = await describe(ports, job, input, { tally, files });
      await deliver(ports, { prefix, number: input.number, attempt }, manifest);
      const { accepted, rejected, failed } = tally.counts;
      const notStarted = manifest.records.not_started;
      const manifestSha256 = manifest.manifest_sha256;
      return { accepted, rejected, failed, notStarted, manifestSha256, damaged: tally.damaged };
    } catch (error) {
      await Promise.all(all.map((file) => file.abort()));
      throw error;
    }
  };
}

interface Tally {
  counts: RecordCounts;
  calls: number;
  cost: PicoUsd;
  damaged: number[];
}

async function writeBatches(
  ports: ActivityPorts,
  job: JobContext,
  plan: Plan,
  files: LineFiles,
): Promise<Tally> {
  const tally: Tally = {
    counts: { accepted: 0, rejected: 0, failed: 0 },
    calls: 0,
    cost: zero,
    damaged: [],
  };
  for (let batch = 0; batch < plan.batches; batch += 1) {
    heartbeat({ batch, of: plan.batches });
    const { lines, isDamaged } = await linesOf(ports, job, plan, batch);
    if (isDamaged) tally.damaged.push(batch);
    await writeLines(files, lines);
    for (const { provenance: origin } of lines) {
      tally.calls += origin.calls.length;
      tally.cost = add(tally.cost, usd(origin.cost_usd));
    }
    const { accepted, rejected, failed } = countLines(lines);
    tally.counts = {
      accepted: tally.counts.accepted + accepted,
      rejected: tally.counts.rejected + rejected,
      failed: tally.counts.failed + failed,
    };
  }
  return tally;
}

interface BatchLines {
  readonly lines: readonly PartLine[];
  /** The part and its journal are damaged: the batch has to be run again. */
  readonly isDamaged: boolean;
}

/** A batch's finished lines: its part, or what the journal alone can finish. */
async function linesOf(
  ports: ActivityPorts,
  job: JobContext,
  plan: Plan,
  batch: number,
): Promise<BatchLines> {
  const { store } = ports;
  const key = partKey(job.jobId, batchKey(batch));
  const range = batchRange(plan, batch);
  const bytes = await store.objects.get(key);
  const part = bytes === null ? null : decodePart(bytes);
  if (part !== null && part.lines.length === range.size) return { ...part, isDamaged: false };
  const attempts = await store.journal.read(job.jobId, batchKey(batch));
  const earlier = indexAnswers(job.jobId, batchKey(batch), attempts);
  const replayed = await replayBatch(job, range, earlier);
  if (bytes === null) return { ...replayed, isDamaged: false };
  // The part is damaged. The journal is the truth, so the part is made again from it.
  await store.objects.delete(key);
  const isDamaged = replayed.notStarted > 0;
  if (!isDamaged) await putPart(store, job, { ...range, batch }, replayed.lines);
  return { ...replayed, isDamaged };
}

interface Described {
  readonly tally: Tally;
  readonly files: readonly ManifestFile[];
}

async function describe(
  ports: ActivityPorts,
  job: JobContext,
  input: ExportInput,
  { tally, files }: Described,
): Promise<Manifest> {
  const { spec } = job;
  const account = await ports.store.ledger.account(input.jobId);
  assert(account !== null, `job ${input.jobId} has no account`);
  const { accepted, rejected, failed } = tally.counts;
  const ended = accepted + rejected + failed;
  const manifest = {
    schema_version: 1 as const,
    job_id: input.jobId,
    status: input.status,
    created_at: ports.clock.timestamp(),
    generator: ports.generator,
    provider: spec.provider,
    template: spec.template,
    seeds: spec.seeds,
    job_seed: spec.jobSeed,
    spec_sha256: spec.sha256,
    models: Object.fromEntries(job.steps.map(({ id }) => [id, job.priceOf(id).model])),
    price_table_version: priceTableVersion,
    records: {
      requested: spec.records,
      accepted,
      rejected,
      failed,
      not_started: spec.records - ended,
    },
    calls: tally.calls,
    cost: {
      currency: 'USD' as const,
      limit: formatUsd(account.limit),
      spent: formatUsd(account.spent),
      held: formatUsd(account.held),
      unknown: formatUsd(account.unknown),
      available: formatUsd(account.available),
      in_records: formatUsd(tally.cost),
      not_used: formatUsd(subtract(account.spent, tally.cost)),
    },
    files: files.map((file) => ({ ...file })),
  };
  return { ...manifest, manifest_sha256: digest(canonicalJson(manifest)) };
}

/** The manifest is put last: where it stands, everything it lists does. */
async function deliver(
  { store, clock }: ActivityPorts,
  place: Pick<Output, 'prefix' | 'number' | 'attempt'>,
  manifest: Manifest,
): Promise<void> {
  const { job_id: jobId } = manifest;
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await store.objects.put(`${place.prefix}/manifest.json`, new TextEncoder().encode(text));
  const files = manifest.files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }));
  const manifestFile = {
    path: 'manifest.json',
    bytes: Buffer.byteLength(text),
    sha256: digest(text),
  };
  const { manifest_sha256: manifestSha256 } = manifest;
  await store.jobs.setOutput(jobId, { ...place, manifestSha256, files: [...files, manifestFile] });
  const { records, status } = manifest;
  const data = { manifest_sha256: manifestSha256, status, records: { ...records } };
  await store.events.append(jobId, { at: clock.timestamp(), type: 'export', data });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

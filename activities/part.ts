/**
 * A part: the finished lines of one batch, put once. One JSON line per record in the order of their
 * indexes, then an end line with counts and the digest of what stands before it.
 */
import { createHash } from 'node:crypto';
import type { JsonObject } from '#domain/json.ts';
import type { RecordCounts } from '#domain/job.ts';
import { add, formatUsd, pico, type UsdText, zero } from '#domain/money.ts';
import type { RecordInput, RecordOutcome, StepText } from './record-program.ts';
import type { JobContext } from './job-context.ts';

export interface PartLine {
  readonly kind: 'accepted' | 'failed';
  /** The line of records.jsonl or failures.jsonl. */
  readonly line: JsonObject;
  /** The line of provenance.jsonl. */
  readonly provenance: Provenance;
}

export interface Provenance extends JsonObject {
  readonly cost_usd: UsdText;
  readonly calls: readonly JsonObject[];
}

export interface Part extends RecordCounts {
  readonly lines: readonly PartLine[];
}

export function partKey(jobId: string, batch: string): string {
  return `parts/${jobId}/${batch}`;
}

/** The part's line of a record that has ended; null for one that has not. */
export function partLine(job: JobContext, outcome: RecordOutcome): PartLine | null {
  if (outcome.kind === 'not-started') return null;
  const identity = identityOf(job, outcome.input);
  const provenance = provenanceOf(identity, outcome);
  if (outcome.kind === 'failed') {
    const { step, failure } = outcome;
    const line = { ...identity, step, reason: failure.kind, message: failure.message };
    return { kind: 'failed', line, provenance };
  }
  const line = {
    ...identity,
    steps: byStep(outcome.steps, 'text'),
    models: byStep(outcome.steps, 'model'),
  };
  return { kind: 'accepted', line, provenance };
}

/** The same spec gives the same ids, whatever the job: its digest and the record's index. */
function identityOf(job: JobContext, input: RecordInput) {
  return {
    id: `${job.spec.sha256.slice(0, 12)}-${String(input.index).padStart(6, '0')}`,
    index: input.index,
    seed_row: input.rowIndex,
    seed_row_sha256: input.rowSha256,
  };
}

function byStep(steps: readonly StepText[], field: 'text' | 'model'): JsonObject {
  return Object.fromEntries(steps.map((step) => [step.step, step[field]]));
}

function provenanceOf(identity: JsonObject, outcome: RecordOutcome): Provenance {
  const costs = outcome.paid.map(({ entry }) => pico(BigInt(entry.cost)));
  return {
    ...identity,
    outcome: outcome.kind,
    cost_usd: formatUsd(add(zero, ...costs)),
    calls: outcome.paid.map(
      ({ hold, entry }): JsonObject => ({
        step: entry.step,
        try: entry.try,
        hold,
        call: entry.call,
        request_id: entry.requestId,
        model: entry.model,
        prompt_sha256: entry.promptSha256,
        stop_reason: entry.stopReason,
        input_tokens: entry.usage.inputTokens,
        output_tokens: entry.usage.outputTokens,
        cache_read_tokens: entry.usage.cacheReadTokens,
        cache_write_tokens: entry.usage.cacheWriteTokens,
        cost_usd: formatUsd(pico(BigInt(entry.cost))),
        latency_ms: entry.latencyMs,
        at: entry.at,
      }),
    ),
  };
}

/** The part's bytes; the lines may come in any order. */
export function encodePart(unordered: readonly PartLine[]): Uint8Array {
  const lines = inOrder(unordered);
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const end = { kind: 'end', ...countLines(lines), sha256 };
  return new TextEncoder().encode(`${body}${JSON.stringify(end)}\n`);
}

export function inOrder(lines: readonly PartLine[]): PartLine[] {
  return lines.toSorted((a, b) => Number(a.line['index']) - Number(b.line['index']));
}

export function countLines(lines: readonly PartLine[]): RecordCounts {
  const failed = lines.filter(({ kind }) => kind === 'failed').length;
  return { accepted: lines.length - failed, rejected: 0, failed };
}

/** The part, or null where its bytes are not what was stored: a flipped bit, a lost end. */
export function decodePart(bytes: Uint8Array): Part | null {
  const text = new TextDecoder().decode(bytes);
  const endAt = text.lastIndexOf('\n', text.length - 2) + 1;
  const body = text.slice(0, endAt);
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (!text.slice(endAt).includes(`"sha256":"${sha256}"`) || !text.endsWith('\n')) return null;
  // The digest was made over lines that this module wrote, so their shape is known.
  const lines = body
    .split('\n')
    .slice(0, -1)
    .map((line): PartLine => JSON.parse(line));
  return { lines, ...countLines(lines) };
}

import { relative } from 'node:path';
import type { JsonObject } from '#domain/json.ts';
import { type ExitCode, exitCodes } from './cli-error.ts';
import type { JobBody } from './job-body.ts';
import { shortUsd } from './money-text.ts';
import type { Delivery } from './output-folder.ts';
import { durationText, grouped } from './progress-line.ts';

/** What a script decides by when a job is not followed any further. */
export function exitCodeOf(job: JobBody): ExitCode {
  switch (job.status) {
    case 'completed':
      return job.records.failed > 0 ? exitCodes.failedRecords : exitCodes.done;
    case 'cancelled':
      return exitCodes.cancelled;
    case 'budget_exhausted':
      return exitCodes.outOfMoney;
    case 'failed':
      return job.failure?.kind === 'access-denied' ? exitCodes.notAllowed : exitCodes.error;
    default:
      return exitCodes.done;
  }
}

/** The one line that ends the output of --json. `output` is the dataset's folder, null where there is none. */
export function resultOf(job: JobBody, status: string, output: string | null): JsonObject {
  const { limit, spent, held, unknown, available } = job.cost;
  return {
    type: 'result',
    status,
    job_id: job.id,
    records: { ...job.records },
    calls: job.calls,
    cost: { limit, spent, held, unknown, available },
    output,
    ...(job.failure === null
      ? {}
      : { error: { code: job.failure.kind, message: job.failure.message } }),
  };
}

/** How the job ended, what it cost, where its files are, what to do next. */
export function endLines(job: JobBody, delivery: Delivery | null): string[] {
  return [
    `${verdict(job)} ${counts(job)}. ${shortUsd(job.cost.spent)} of ${shortUsd(job.cost.limit)}, ${grouped(job.calls)} ${job.calls === 1 ? 'call' : 'calls'}.`,
    ...(job.failure === null ? [] : [`  ${job.failure.message}`]),
    ...(job.cost.unknown === '0.00'
      ? []
      : [
          `  ${shortUsd(job.cost.unknown)} more stays set aside: calls that ended without an answer may have been billed`,
        ]),
    ...(delivery === null ? [] : outputLines(delivery)),
    `  next: ${nextStep(job)}`,
  ];
}

function verdict(job: JobBody): string {
  const took = tookText(job);
  switch (job.status) {
    case 'completed':
      return `Done${took}:`;
    case 'cancelled':
      return 'Cancelled:';
    case 'budget_exhausted':
      return 'Out of money, waiting for a higher limit:';
    case 'failed':
      return 'Failed:';
    default:
      return `The job is ${job.status}:`;
  }
}

function tookText({ started_at: start, ended_at: end }: JobBody): string {
  if (start === null || end === null) return '';
  return ` in ${durationText((Date.parse(end) - Date.parse(start)) / 1_000)}`;
}

function counts({ records }: JobBody): string {
  const parts = [`${grouped(records.accepted)} accepted`];
  if (records.rejected > 0) parts.push(`${grouped(records.rejected)} rejected`);
  if (records.failed > 0) parts.push(`${grouped(records.failed)} failed (see failures.jsonl)`);
  if (records.not_started > 0) parts.push(`${grouped(records.not_started)} not started`);
  return parts.join(', ');
}

function outputLines({ folder, files, replaced }: Delivery): string[] {
  const lines = [`  ${shortPath(folder)}/records.jsonl · verified, ${files} files`];
  return replaced === null ? lines : [...lines, `  the dataset of ${replaced} stood there before`];
}

/** As the person would type it. */
export function shortPath(path: string): string {
  const here = relative(process.cwd(), path);
  return here === '' || here.startsWith('..') ? path : here;
}

function nextStep(job: JobBody): string {
  return job.status === 'budget_exhausted'
    ? `./plot raise-budget ${job.id} --max-usd X`
    : `./plot show ${job.id}`;
}

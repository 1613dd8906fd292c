import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createJobContexts } from '#activities/job-context.ts';
import { openLineFiles } from '#activities/line-file.ts';
import { replayDataset, type ReplayedDataset } from '#activities/replay-dataset.ts';
import { CliError, type ExitCode, exitCodes } from '#cli/cli-error.ts';
import { type ByteDifference, compareBytes } from '#cli/compare-bytes.ts';
import { grouped } from '#cli/progress-line.ts';
import type { CommandContext } from '#cli/session.ts';
import { isEnded, type Job, type Output } from '#domain/job.ts';
import { planBatches } from '#domain/plan.ts';
import { createPrompts } from '#prompts/prompts.ts';
import type { Prompts } from '#prompts/contract.ts';
import type { Store } from '#store/contract.ts';
import { createObjects } from '#store/files/objects.ts';
import { openLocalStore } from '#store/local-store.ts';

export interface ReplayOptions {
  readonly out?: string;
}

/**
 * Makes a job's files again from seed rows, template and journal, in this process and without a call, and
 * compares them with its export. Throws with exit code 6 at the first difference.
 */
export async function replay(
  id: string,
  { out }: ReplayOptions,
  { terminal, environment }: CommandContext,
): Promise<ExitCode> {
  const home = environment.config.PLOT_HOME;
  if (environment.apiUrl !== null || !existsSync(home)) throw notHere(environment.apiUrl, home);
  const store = await openLocalStore({ home });
  const prompts = await createPrompts();
  try {
    const { job, output } = await exportedJob(store, id);
    const folder = out === undefined ? null : resolve(out);
    const { replayed, copied, files } = await replayJob(store, prompts, { job, output, folder });
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const lost = copied === 0 ? '' : `, ${grouped(copied)} failed records taken as they stand`;
    terminal.print(
      `Identical: ${grouped(replayed)} records made again from the journal of ${id}${lost}, ${grouped(bytes)} bytes, no call${folder === null ? '' : `; in ${folder}`}`,
    );
    terminal.event({ type: 'result', status: 'identical', job_id: id, replayed, copied, bytes });
    return exitCodes.done;
  } finally {
    await Promise.all([prompts.close(), store.close()]);
  }
}

function notHere(apiUrl: string | null, home: string): CliError {
  const message =
    apiUrl === null
      ? `There is no ${home}, so there is no journal to replay.`
      : `PLOT_API_URL is ${apiUrl}; a replay reads the journal itself, which is not reached through an API.`;
  const hint = 'Run it where the journal is kept, or set PLOT_HOME to that folder.';
  return new CliError({ code: 'no_journal', exitCode: exitCodes.error, message, hint });
}

async function exportedJob(store: Store, id: string): Promise<{ job: Job; output: Output }> {
  const job = await store.jobs.get(id);
  if (job === null) {
    const message = `${id} is not in this home.`;
    const hint = '`./plot jobs` lists what is there.';
    throw new CliError({ code: 'job_not_found', exitCode: exitCodes.error, message, hint });
  }
  const { output, status } = job;
  if (output !== null && isEnded(status)) return { job, output };
  const message = `${id} is ${status}${output === null ? ' and has exported nothing' : ''}; a replay is compared with the export of a job that has ended.`;
  throw new CliError({ code: 'not_ended', exitCode: exitCodes.error, message });
}

interface Replay {
  readonly job: Job;
  readonly output: Output;
  /** Where the files are kept; null to keep none. */
  readonly folder: string | null;
}

async function replayJob(
  store: Store,
  prompts: Prompts,
  { job, output, folder }: Replay,
): Promise<ReplayedDataset> {
  // Nothing is called: how calls would be signed is not asked.
  const context = await createJobContexts({ store, prompts, model: { isSigned: true } })(job.id);
  const comparisons: { path: string; difference: () => ByteDifference | null }[] = [];
  const files = await openLineFiles(async (path) => {
    const exported = await store.objects.read(`${output.prefix}/${path}`);
    const below = folder === null ? null : await createObjects(folder).write(path);
    const { writer, difference } = compareBytes(exported ?? nothing(), below);
    comparisons.push({ path, difference });
    return writer;
  });
  const result = await replayDataset(store, context, planBatches(job.spec.records), files);
  for (const { path, difference } of comparisons) {
    const found = difference();
    if (found !== null) throw differs(path, found);
  }
  for (const file of result.files) requireDigest(output, file);
  return result;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function differs(path: string, { line, expected, found }: ByteDifference): CliError {
  const end = 'the end of the file';
  return new CliError({
    code: 'replay_differs',
    exitCode: exitCodes.verification,
    message: `${path} differs from the export in line ${line}`,
    details: [
      `exported: ${expected === '' ? end : JSON.stringify(expected)}`,
      `replayed: ${found === '' ? end : JSON.stringify(found)}`,
    ],
    hint: '`./plot verify` tells whether the exported files are as they were delivered; otherwise the journal was damaged or another version of the program rendered the prompts.',
  });
}

/** The export as it stands is what was replayed; that it is also what was delivered, the digests say. */
function requireDigest(output: Output, file: { path: string; sha256: string }): void {
  const listed = output.files.find(({ path }) => path === file.path)?.sha256;
  if (listed === file.sha256) return;
  throw new CliError({
    code: 'replay_differs',
    exitCode: exitCodes.verification,
    message: `${file.path} has the SHA-256 ${file.sha256}; the manifest says ${listed ?? 'nothing of it'}`,
  });
}

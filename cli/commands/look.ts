import { existsSync } from 'node:fs';
import { type ExitCode, exitCodes } from '#cli/cli-error.ts';
import type { JobBody } from '#cli/job-body.ts';
import { shortUsd } from '#cli/money-text.ts';
import { durationText, grouped, progressLine } from '#cli/progress-line.ts';
import { reconciliationLine } from '#cli/reconciliation-text.ts';
import { type CommandContext, withSession } from '#cli/session.ts';
import { tableText } from '#cli/table-text.ts';

/** Without a running stack one without workers answers: looking at jobs makes none go on. */
const lookers = { provider: null, workers: 0 };

/** Lists jobs, newest first. */
export async function listJobs(
  { limit }: { readonly limit: number },
  context: CommandContext,
): Promise<ExitCode> {
  const { terminal, environment } = context;
  if (environment.apiUrl === null && !existsSync(environment.config.PLOT_HOME)) {
    terminal.print('No jobs: there is no .plot here yet. `./plot run` makes one.');
    terminal.event({ type: 'result', status: 'ok', jobs: [] });
    return exitCodes.done;
  }
  return withSession(context, lookers, async ({ client }) => {
    const { data, has_more: hasMore } = await client.jobs(limit, null);
    terminal.print(data.length === 0 ? 'No jobs.' : jobsTable(data));
    if (hasMore) terminal.say(`There are more: --limit N shows up to 100.`);
    terminal.event({ type: 'result', status: 'ok', jobs: data });
    return exitCodes.done;
  });
}

function jobsTable(jobs: readonly JobBody[]): string {
  const rows = jobs.map((job) => [
    job.id,
    job.status,
    job.template.name,
    `${grouped(doneOf(job))}/${grouped(job.records.requested)}`,
    grouped(job.records.failed),
    `${shortUsd(job.cost.spent)} of ${shortUsd(job.cost.limit)}`,
    job.provider,
    job.created_at.slice(0, 16).replace('T', ' '),
  ]);
  return tableText(
    ['job', 'status', 'template', 'records', 'failed', 'spent', 'provider', 'created (UTC)'],
    rows,
  );
}

function doneOf({ records }: JobBody): number {
  return records.requested - records.not_started;
}

/** Shows one job. */
export function showJob(id: string, context: CommandContext): Promise<ExitCode> {
  return withSession(context, lookers, async ({ client, terminal }) => {
    const [job, { data: reconciliations }] = await Promise.all([
      client.job(id),
      client.reconciliations(id),
    ]);
    terminal.print([jobText(job), ...reconciliations.map(reconciliationLine)].join('\n'));
    terminal.event({ ...job, reconciliations, type: 'result' });
    return exitCodes.done;
  });
}

export function jobText(job: JobBody): string {
  const { records, cost } = job;
  const simulated = job.provider === 'simulator' ? ' (simulated: no money is spent)' : '';
  const rows: (readonly [string, string])[] = [
    ['job', job.id],
    ['status', `${job.status}${tookText(job)}`],
    ...(job.waiting === null
      ? []
      : [['waiting', `${job.waiting.kind}: ${job.waiting.detail}`] as const]),
    ...(job.failure === null
      ? []
      : [['failure', `${job.failure.kind}: ${job.failure.message}`] as const]),
    ['template', `${job.template.name} (${job.template.id})`],
    ['seed rows', `${grouped(job.seeds.rows)} (${job.seeds.id})`],
    ['models', modelsText(job.models)],
    [
      'records',
      `${grouped(records.requested)} requested: ${grouped(records.accepted)} accepted, ${grouped(records.rejected)} rejected, ${grouped(records.failed)} failed, ${grouped(records.not_started)} not started`,
    ],
    ['calls', grouped(job.calls)],
    [
      'money',
      `$${cost.spent} spent, $${cost.held} held, $${cost.unknown} unknown, $${cost.available} available of $${cost.limit}${simulated}`,
    ],
    ['job seed', String(job.job_seed)],
    ['created', job.created_at],
    ...(job.links.temporal_ui === null ? [] : [['Temporal UI', job.links.temporal_ui] as const]),
    ...job.warnings.map((warning) => ['note', warning] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return [...lines, ...(job.status === 'running' ? [progressLine(job)] : [])].join('\n');
}

function tookText({ started_at: start, ended_at: end }: JobBody): string {
  if (start === null || end === null) return '';
  return `, took ${durationText((Date.parse(end) - Date.parse(start)) / 1_000)}`;
}

function modelsText(models: JobBody['models']): string {
  return Object.entries(models)
    .map(([step, model]) => `${step}: ${model}`)
    .join(', ');
}

/** Lists models with their prices. */
export function listModels(context: CommandContext): Promise<ExitCode> {
  return withSession(context, lookers, async ({ client, terminal }) => {
    const models = await client.models();
    const rows = models.data.map((model) => [
      model.id,
      `$${model.input_usd_per_mtok}`,
      `$${model.output_usd_per_mtok}`,
      model.tier ?? '',
    ]);
    terminal.print(tableText(['model', 'in, per million tokens', 'out', 'tier'], rows));
    terminal.print(`Prices of ${models.price_version}. Steps without a model use their tier's.`);
    terminal.event({ type: 'result', status: 'ok', ...models });
    return exitCodes.done;
  });
}

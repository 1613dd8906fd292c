import { existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { JobRequest, SeedFormat } from '#cli/api-client.ts';
import { type ExitCode, exitCodes, usageError } from '#cli/cli-error.ts';
import { defaultFolder, followToEnd } from '#cli/follow-to-end.ts';
import type { JobBody, SeedSetBody, TemplateBody } from '#cli/job-body.ts';
import { requireOwnFolder } from '#cli/output-folder.ts';
import { planLines } from '#cli/run-plan.ts';
import { type CommandContext, type Session, withSession } from '#cli/session.ts';
import type { Provider } from '#cli/stack/children.ts';

export interface RunOptions {
  readonly seeds: string;
  readonly records: number;
  readonly maxUsd: string;
  readonly model?: string;
  readonly seed: number;
  readonly concurrency: number;
  readonly workers: number;
  readonly out?: string;
  readonly undefined: 'error' | 'empty';
  readonly provider?: Provider;
  readonly yes?: boolean;
}

/** Creates a job and follows it to its end; returns what a script decides by. */
export async function run(
  template: string,
  options: RunOptions,
  context: CommandContext,
): Promise<ExitCode> {
  requireFile('TEMPLATE', template);
  requireFile('--seeds', options.seeds);
  if (options.out !== undefined) await requireOwnFolder(options.out);
  const wish = { provider: options.provider ?? null, workers: options.workers };
  return withSession(context, wish, (session) => runJob(session, template, options));
}

function requireFile(name: string, file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isDirectory()) return;
  const what = existsSync(file) ? 'a folder' : 'not there';
  throw usageError(
    'no_file',
    `${name} is "${file}", which is ${what}.`,
    'Name a file that exists.',
  );
}

async function runJob(session: Session, template: string, options: RunOptions): Promise<ExitCode> {
  const { client, terminal } = session;
  const stored = await client.putTemplate(template);
  const out = options.out ?? defaultFolder({ template: stored });
  await requireOwnFolder(out);
  const seeds = await client.putSeeds(options.seeds, formatOf(options.seeds));
  const request = requestOf(stored, seeds, options);
  const models = await client.models();
  for (const line of planLines({ template: stored, seeds, request, models })) terminal.say(line);
  if (!(await isAgreed(session, options))) return declined(session);
  const job = await client.createJob(request);
  announce(session, job);
  return followToEnd(session, job, { out, outOfMoneySince: null });
}

function formatOf(file: string): SeedFormat {
  const ending = /\.(\w+)$/.exec(file)?.[1]?.toLowerCase();
  switch (ending) {
    case 'json':
    case 'jsonl':
    case 'csv':
      return ending;
    case 'ndjson':
      return 'jsonl';
    default:
      return 'detect';
  }
}

function requestOf(template: TemplateBody, seeds: SeedSetBody, options: RunOptions): JobRequest {
  return {
    template: template.id,
    seeds: seeds.id,
    records: options.records,
    limit: options.maxUsd,
    model: options.model ?? null,
    job_seed: options.seed,
    concurrency: options.concurrency,
    undefined: options.undefined,
  };
}

/** Whoever sits at a terminal is asked; a script has said what it wants with --max-usd. */
async function isAgreed({ terminal, signal }: Session, { yes }: RunOptions): Promise<boolean> {
  if (yes === true || !terminal.isInteractive) return true;
  const question = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await question.question('Run it? [y/N] ', { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    question.close();
  }
}

function declined({ terminal }: Session): ExitCode {
  terminal.say('Nothing was started.');
  terminal.event({
    type: 'result',
    status: 'declined',
    error: { code: 'declined', message: 'Nothing was started.' },
  });
  return exitCodes.cancelled;
}

function announce({ terminal }: Session, job: JobBody): void {
  terminal.event({ type: 'job', job_id: job.id, provider: job.provider, links: { ...job.links } });
  const simulated = job.provider === 'simulator' ? 'Simulated model: no money is spent.   ' : '';
  terminal.say(`${simulated}job ${job.id}${uiLink(job)}`);
  for (const warning of job.warnings) terminal.say(`  note: ${warning}`);
}

function uiLink({ links }: JobBody): string {
  return links.temporal_ui === null ? '' : ` · ${links.temporal_ui}`;
}

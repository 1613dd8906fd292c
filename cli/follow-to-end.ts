import { join } from 'node:path';
import { createApiClient } from './api-client.ts';
import { type ExitCode, exitCodes } from './cli-error.ts';
import { followJob } from './follow-job.ts';
import { isEnded, type JobBody } from './job-body.ts';
import { endLines, exitCodeOf, resultOf } from './job-end.ts';
import { type Delivery, deliverOutput } from './output-folder.ts';
import { progressLine } from './progress-line.ts';
import { Interrupted, type Session } from './session.ts';

/** Characters; file systems allow 255 bytes. */
const folderNameMax = 60;

export interface EndWish {
  /** Where the dataset is put; null for out/<template name>. */
  readonly out: string | null;
  /** See `Following`. */
  readonly outOfMoneySince: string | null;
}

/**
 * Shows the job's progress until it ends or waits for money, then delivers its files and says how it
 * went. A Ctrl-C stops the watching, and a stack of its own in order: the job goes on with the next one.
 */
export async function followToEnd(
  session: Session,
  job: JobBody,
  wish: EndWish,
): Promise<ExitCode> {
  const { terminal, client, signal } = session;
  let seen = job;
  try {
    const ended = await followJob({
      client,
      jobId: job.id,
      signal,
      outOfMoneySince: wish.outOfMoneySince,
      onJob: (current) => {
        seen = current;
        show(session, current);
      },
      onEvent: ({ seq, type, data }) =>
        terminal.event({ type: 'event', event: type, seq, job_id: job.id, ...data }),
    });
    return await conclude(session, ended, wish);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return await leave(session, seen);
  }
}

function show({ terminal }: Session, job: JobBody): void {
  const { id, status, records, calls, cost, waiting, progress } = job;
  terminal.event({
    type: 'progress',
    job_id: id,
    status,
    records,
    calls,
    cost,
    waiting,
    ...progress,
  });
  if (!isEnded(status)) terminal.progress(progressLine(job));
}

async function conclude(session: Session, job: JobBody, wish: EndWish): Promise<ExitCode> {
  const { terminal, client } = session;
  terminal.endProgress();
  const folder = wish.out ?? defaultFolder(job);
  const delivery: Delivery | null =
    job.output === null ? null : await deliverOutput(client, job.id, folder);
  for (const line of endLines(job, delivery)) terminal.say(line);
  terminal.event(resultOf(job, job.status, delivery?.folder ?? null));
  return exitCodeOf(job);
}

/** A template's name is free text: what is no part of a folder's name becomes a hyphen. */
export function defaultFolder({ template }: Pick<JobBody, 'template'>): string {
  return join('out', folderName(template.name));
}

function folderName(name: string): string {
  const plain = name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, folderNameMax);
  return plain === '' ? 'dataset' : plain;
}

async function leave(session: Session, seen: JobBody): Promise<ExitCode> {
  const { terminal, stack } = session;
  terminal.endProgress();
  const last = stack.isOwn() ? await drained(session, seen) : seen;
  terminal.say(
    stack.isOwn()
      ? `Stopped. Nothing that was paid is lost: \`./plot watch ${seen.id}\` goes on with it.`
      : `The job goes on in the running stack: \`./plot watch ${seen.id}\` shows it.`,
  );
  terminal.event(resultOf(last, 'interrupted', null));
  return exitCodes.cancelled;
}

/** The job after its workers have brought in what was on the way. */
async function drained({ terminal, stack }: Session, seen: JobBody): Promise<JobBody> {
  terminal.say(
    'Stopping: answers on the way are brought in (up to 100 s). Ctrl-C again stops at once.',
  );
  await stack.drain();
  return await lookOnce(stack.url(), seen);
}

/** The session's own client refuses to send after an interruption. */
async function lookOnce(url: string, seen: JobBody): Promise<JobBody> {
  const way = { url: () => url, revive: async () => {} };
  const client = createApiClient(way, AbortSignal.timeout(5_000));
  return client.job(seen.id).catch(() => seen);
}

import type { ExitCode } from '#cli/cli-error.ts';
import { exitCodes } from '#cli/cli-error.ts';
import { followToEnd } from '#cli/follow-to-end.ts';
import { resultOf } from '#cli/job-end.ts';
import type { JobBody } from '#cli/job-body.ts';
import { shortUsd } from '#cli/money-text.ts';
import { type CommandContext, type Session, withSession } from '#cli/session.ts';

export interface WatchOptions {
  readonly out?: string;
  readonly workers: number;
  /** Commander's form of --no-wait. */
  readonly wait?: boolean;
}

/** Follows a job to its end; a job that nobody runs goes on by that. */
export function watch(
  id: string,
  options: WatchOptions,
  context: CommandContext,
): Promise<ExitCode> {
  return withJob(options, context, async (session) =>
    followToEnd(session, await session.client.job(id), endWish(options)),
  );
}

/** Resumes a paused job and follows it. */
export function resume(
  id: string,
  options: WatchOptions,
  context: CommandContext,
): Promise<ExitCode> {
  return withJob(options, context, async (session) => {
    const job = await session.client.control(id, 'resume');
    session.terminal.say(`${id} is asked to go on.`);
    return followUnlessAway(session, job, options);
  });
}

export interface RaiseOptions extends WatchOptions {
  readonly maxUsd: string;
}

/** Sets a job's limit and follows it. The amount is the new limit, not what is added. */
export function raiseBudget(
  id: string,
  options: RaiseOptions,
  context: CommandContext,
): Promise<ExitCode> {
  return withJob(options, context, async (session) => {
    const before = await session.client.job(id);
    const job = await session.client.setLimit(id, options.maxUsd);
    session.terminal.say(`The limit of ${id} is ${shortUsd(job.cost.limit)}.`);
    const isOutOfMoney = before.status === 'budget_exhausted';
    return followUnlessAway(session, job, options, isOutOfMoney ? before.waiting?.since : null);
  });
}

function withJob(
  options: WatchOptions,
  context: CommandContext,
  work: (session: Session) => Promise<ExitCode>,
): Promise<ExitCode> {
  const workers = options.wait === false ? 0 : options.workers;
  return withSession(context, { provider: null, workers }, work);
}

function followUnlessAway(
  session: Session,
  job: JobBody,
  options: WatchOptions,
  outOfMoneySince: string | null = null,
): Promise<ExitCode> {
  if (options.wait !== false) return followToEnd(session, job, endWish(options, outOfMoneySince));
  session.terminal.event(resultOf(job, job.status, null));
  return Promise.resolve(exitCodes.done);
}

function endWish({ out }: WatchOptions, outOfMoneySince: string | null = null) {
  return { out: out ?? null, outOfMoneySince };
}

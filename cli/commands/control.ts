import { type ExitCode, exitCodes } from '#cli/cli-error.ts';
import { isEnded, type JobBody } from '#cli/job-body.ts';
import { resultOf } from '#cli/job-end.ts';
import { pause } from '#cli/pause.ts';
import { type CommandContext, type Session, withSession } from '#cli/session.ts';

const words = {
  pause: { asked: 'is asked to pause', until: (status: string) => status === 'paused' },
  cancel: { asked: 'is asked to end', until: (status: string) => status === 'cancelled' },
} as const;

/** A job that a worker has takes the request up within seconds; its calls in flight may take longer. */
const takenUpMs = 10_000;
const lookMs = 200;

/**
 * Asks the job to pause or to end, and waits a little for it to have done so. Without a running stack
 * the request is kept: the job learns of it before it sends anything again.
 */
export function control(
  verb: 'pause' | 'cancel',
  id: string,
  context: CommandContext,
): Promise<ExitCode> {
  return withSession(context, { provider: null, workers: 0 }, async (session) => {
    const { terminal, client, stack } = session;
    const asked = await client.control(id, verb);
    const job = stack.isOwn() ? asked : await takenUp(session, asked, words[verb].until);
    const later = stack.isOwn() ? ', which it does as soon as a stack runs' : '';
    terminal.print(
      words[verb].until(job.status)
        ? `${id} is ${job.status}.`
        : `${id} ${words[verb].asked}${later}; it is ${job.status}.`,
    );
    terminal.event(resultOf(job, job.status, null));
    return exitCodes.done;
  });
}

async function takenUp(
  { client, signal }: Session,
  asked: JobBody,
  isDone: (status: string) => boolean,
): Promise<JobBody> {
  const deadline = performance.now() + takenUpMs;
  let job = asked;
  while (!isDone(job.status) && !isEnded(job.status) && performance.now() < deadline) {
    await pause(lookMs, signal);
    job = await client.job(asked.id);
  }
  return job;
}

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { logFiles } from '#bedrock/log-bytes.ts';
import { type ExitCode, exitCodes, usageError } from '#cli/cli-error.ts';
import { reconciliationText } from '#cli/reconciliation-text.ts';
import { type CommandContext, withSession } from '#cli/session.ts';

export interface ReconcileOptions {
  readonly log?: string;
  readonly completeUntil?: string;
}

/** Settles a job's unknown money by the provider's log; what stays unknown is said with its reason. */
export async function reconcile(
  id: string,
  { log, completeUntil }: ReconcileOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const files = log === undefined ? null : await filesOf(log);
  return withSession(context, { provider: null, workers: 0 }, async ({ client, terminal }) => {
    const result = await client.reconcile(id, { files, completeUntil: completeUntil ?? null });
    terminal.print(reconciliationText(result));
    terminal.event({ ...result, type: 'result', status: 'reconciled', job_id: id });
    return exitCodes.done;
  });
}

async function filesOf(place: string): Promise<readonly string[]> {
  const path = resolve(place);
  const files = existsSync(path) ? await logFiles(path) : [];
  if (files.length > 0) return files;
  throw usageError(
    'no_log_files',
    existsSync(path)
      ? `${place} has no log files; their names end with .json, .jsonl, .log or .gz.`
      : `${place} does not exist; --log takes a file or a folder.`,
  );
}

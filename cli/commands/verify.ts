import { type ExitCode, exitCodes } from '#cli/cli-error.ts';
import { shortUsd } from '#cli/money-text.ts';
import { grouped } from '#cli/progress-line.ts';
import type { CommandContext } from '#cli/session.ts';
import { verifyFolder } from '#cli/verify.ts';

/** Recomputes a dataset's manifest; throws with exit code 6 at the first difference. */
export async function verify(folder: string, { terminal }: CommandContext): Promise<ExitCode> {
  const { manifest, bytes } = await verifyFolder(folder);
  const { records, cost, job_id: jobId, manifest_sha256: digest } = manifest;
  const simulated = manifest.provider === 'simulator' ? ', simulated' : '';
  terminal.print(
    `Verified: ${grouped(records.accepted)} accepted and ${grouped(records.failed)} failed of ${grouped(records.requested)} records, ${grouped(manifest.calls)} calls, ${shortUsd(cost.spent)} spent, ${grouped(bytes)} bytes (${jobId}${simulated})`,
  );
  terminal.event({
    type: 'result',
    status: 'verified',
    job_id: jobId,
    records: { ...records },
    calls: manifest.calls,
    cost: { ...cost },
    manifest_sha256: digest,
  });
  return exitCodes.done;
}

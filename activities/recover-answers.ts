import { recoveryOf } from '#domain/reconcile.ts';
import type { JournalAttempt, Store } from '#store/contract.ts';

/**
 * Moves the cost of durable answers of abandoned holds from unknown to spent. Safe beside anybody else
 * who does the same: the cursor each command names is refused once another has moved it. The attempts
 * were read before: an answer among them that the provider's log told of earlier is then found in the
 * evidence, which is paid by whoever put it there.
 */
export async function recoverAnswers(
  store: Store,
  jobId: string,
  batch: string,
  attempts: readonly JournalAttempt[],
): Promise<void> {
  const holds = await store.ledger.holdsOfBatch(jobId, batch);
  for (const hold of holds) {
    if (hold.status !== 'abandoned') continue;
    const entries = attempts.find(({ ordinal }) => ordinal === hold.ordinal)?.entries ?? [];
    if (entries.length <= hold.captured) continue;
    const command = recoveryOf(hold, entries, await store.evidence.read(hold.id));
    if (command !== null) await store.ledger.execute(command);
  }
}

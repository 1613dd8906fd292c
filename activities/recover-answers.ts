import type { JournalAttempt, Store } from '#store/contract.ts';
import { costOfEntries } from './earlier-answers.ts';

/**
 * Moves the cost of durable answers of abandoned holds from unknown to spent. Safe beside anybody else
 * who does the same: the cursor each command names is refused once another has moved it.
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
    const found = costOfEntries(entries, hold.captured);
    await store.ledger.execute({ kind: 'recover', hold: hold.id, from: hold.captured, ...found });
  }
}

import { heartbeat } from '@temporalio/activity';
import { assert } from '#domain/assert.ts';
import type { Hold } from '#domain/account.ts';
import { formatUsd } from '#domain/money.ts';
import type { Store } from '#store/contract.ts';
import type { JobInput, SettleResult } from './contract.ts';
import type { Clock } from './ports.ts';
import { recoverAnswers } from './recover-answers.ts';

const holdsPerPage = 100;

/**
 * With no batch in flight: abandons holds whose attempts are gone, and pays late answers of abandoned
 * holds from their unknown money. What stays unknown counts against the limit.
 */
export function createSettleAccount(store: Store, clock: Clock) {
  return async function settleAccount({ jobId }: JobInput): Promise<SettleResult> {
    let after: string | null = null;
    do {
      const page: { items: readonly Hold[]; next: string | null } =
        await store.ledger.unsettledHolds(jobId, { limit: holdsPerPage, after });
      for (const hold of page.items) {
        await settleHold(store, clock, jobId, hold);
        heartbeat({ settled: hold.id });
      }
      after = page.next;
    } while (after !== null);
    const account = await store.ledger.account(jobId);
    assert(account !== null, `job ${jobId} has no account`);
    return {
      spent: formatUsd(account.spent),
      unknown: formatUsd(account.unknown),
      available: formatUsd(account.available),
    };
  };
}

async function settleHold(store: Store, clock: Clock, jobId: string, hold: Hold): Promise<void> {
  if (hold.status === 'open') {
    await store.ledger.execute({ kind: 'abandon', hold: hold.id, at: clock.timestamp() });
  }
  const attempts = await store.journal.read(jobId, hold.batch);
  await recoverAnswers(store, jobId, hold.batch, attempts);
}

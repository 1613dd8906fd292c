/** Holds the provider's bill against the ledger, again and again, while everything else breaks. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { TestStack } from '#test/stack/stack.ts';

const digits = z.string().regex(/^\d+$/).transform(BigInt);
const accountSchema = z.object({
  limit: digits,
  available: digits,
  held: digits,
  unknown: digits,
  spent: digits,
  allotted: digits,
});

export interface Watch {
  /** How often bill and ledger were compared; rejects with the first comparison that failed. */
  stop(): Promise<number>;
}

const everyMs = 100;

export function watchMoney(stack: TestStack, jobId: () => string | null): Watch {
  const database = new DatabaseSync(join(stack.home, 'plot.db'), {
    readOnly: true,
    timeout: 5_000,
  });
  const account = database.prepare('SELECT * FROM accounts WHERE id = ?');
  const ended = new AbortController();

  async function compareUntilEnded(): Promise<number> {
    let compared = 0;
    for (; !ended.signal.aborted; await pause(everyMs)) {
      const job = jobId();
      if (job === null) continue;
      // The bill first: whatever it holds by now, the ledger must count from before the call was sent.
      const { pico } = await stack.billed(job);
      compare(job, pico, accountSchema.parse(account.get(job)));
      compared += 1;
    }
    return compared;
  }

  const comparing = compareUntilEnded();
  // Told when the watch ends; until then it must not end the process.
  comparing.catch(() => undefined);
  return {
    async stop() {
      ended.abort();
      try {
        return await comparing;
      } finally {
        database.close();
      }
    },
  };
}

function compare(job: string, billed: bigint, account: z.output<typeof accountSchema>): void {
  const { limit, available, held, unknown, spent, allotted } = account;
  const counted = spent + held + unknown;
  if (billed <= counted && counted <= limit && counted + available + allotted === limit) return;
  throw new Error(
    `${job}: billed ${billed}, spent ${spent} + held ${held} + unknown ${unknown} + available ${available} + allotted ${allotted}, limit ${limit} pUSD`,
  );
}

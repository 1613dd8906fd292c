/** Makes one attempt's answers durable, in groups and in order. */
import type { Journal, JournalEntry } from '#store/contract.ts';
import type { Clock } from './ports.ts';

export interface AnswerLog {
  /**
   * Null once the entry is durable, otherwise why it never will be. `onDurable` runs in the order of the
   * journal: a capture says how many entries from the start are paid for, so it must not count a later
   * one before an earlier one.
   */
  keep(entry: JournalEntry, onDurable: () => void): Promise<string | null>;
}

export interface AnswerLogOptions {
  readonly journal: Journal;
  readonly attempt: { readonly jobId: string; readonly batch: string; readonly ordinal: number };
  readonly clock: Clock;
  /** Ends the waiting between tries. */
  readonly abort: AbortSignal;
}

interface Waiting {
  readonly entry: JournalEntry;
  readonly onDurable: () => void;
  readonly resolve: (reason: string | null) => void;
}

/** An answer in memory waits so often for the journal before it is given up as lost: 1, 2, 4, 8, 16 s. */
const journalTriesMax = 6;

export function createAnswerLog(options: AnswerLogOptions): AnswerLog {
  let waiting: Waiting[] = [];
  let isFlushing = false;
  // After a failure nothing more is appended: whether the lost entries stand is not known, and those
  // behind them would be counted wrongly.
  let broken: string | null = null;

  /** Never rejects: every failure is told to the entries that it concerns. */
  async function flush(): Promise<void> {
    isFlushing = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      broken ??= await appendSurely(options, group);
      for (const { onDurable, resolve } of group) {
        if (broken === null) onDurable();
        resolve(broken);
      }
    }
    isFlushing = false;
  }

  return {
    keep: (entry, onDurable) =>
      new Promise((resolve) => {
        waiting.push({ entry, onDurable, resolve });
        if (!isFlushing) void flush();
      }),
  };
}

async function appendSurely(
  { journal, attempt, clock, abort }: AnswerLogOptions,
  group: readonly Waiting[],
): Promise<string | null> {
  const entries = group.map(({ entry }) => entry);
  for (let tries = 1; ; tries += 1) {
    try {
      await journal.append(attempt, entries);
      return null;
    } catch (error) {
      if (tries >= journalTriesMax) return `the journal cannot be written: ${String(error)}`;
      await clock.sleep(1_000 * 2 ** (tries - 1), abort);
    }
  }
}

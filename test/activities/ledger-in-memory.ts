import { type Account, type Hold, newAccount } from '#domain/account.ts';
import { decide, type LedgerCommand, type LedgerOutcome, slotsOf } from '#domain/ledger.ts';
import type { PicoUsd } from '#domain/money.ts';
import type { Ledger } from '#store/contract.ts';

export interface MemoryLedger extends Ledger {
  readonly commands: readonly LedgerCommand[];
  /** The account's row, as nobody can refuse to answer it. */
  row(): Account;
  hold(id: string): Hold | undefined;
}

/**
 * One account that obeys `decide`, and whose answers can be kept back: `around` is given the command and
 * what applies it.
 */
export function createMemoryLedger(
  limit: PicoUsd,
  around: (command: LedgerCommand, apply: () => LedgerOutcome) => Promise<LedgerOutcome> = async (
    _command,
    apply,
  ) => apply(),
): MemoryLedger {
  let account = newAccount('job', limit);
  const holds = new Map<string, Hold>();
  const commands: LedgerCommand[] = [];

  function apply(command: LedgerCommand): LedgerOutcome {
    commands.push(command);
    const slots = slotsOf(command);
    const decision = decide({ account, hold: holdOf(slots.hold) }, command);
    account = decision.account ?? account;
    for (const hold of decision.holds) holds.set(hold.id, hold);
    return decision.outcome;
  }

  function holdOf(slot: ReturnType<typeof slotsOf>['hold']): Hold | null {
    if (slot === null) return null;
    if ('id' in slot) return holds.get(slot.id) ?? null;
    return [...holds.values()].findLast(({ batch }) => batch === slot.newestOf) ?? null;
  }

  return {
    commands,
    row: () => account,
    hold: (id) => holds.get(id),
    openAccount: async () => account,
    account: async () => account,
    execute: (command) => around(command, () => apply(command)),
    holdsOfBatch: async (_account, batch) =>
      [...holds.values()].filter((its) => its.batch === batch),
    unsettledHolds: async () => ({ items: [...holds.values()], next: null }),
  };
}

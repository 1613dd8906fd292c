/** What every kind of event is made of. */
import type { LedgerCommand, LedgerOutcome } from '#domain/ledger.ts';
import { type Attempt, type Config, excessOver, type Process } from './model.ts';
import type { State, WaitedFor } from './model.ts';
import type { Rules } from './rules.ts';

export interface World {
  readonly config: Config;
  readonly rules: Rules;
}

/** Makes an event known; `make` answers null where it changes nothing. */
export type Offer = (label: string, make: () => State | null) => void;

export type Sent = NonNullable<Process['sent']>;

export const accountId = 'job';
export const at = '2026-01-01T00:00:00Z';

export function replaced(state: State, index: number, attempt: Attempt): State {
  return { ...state, attempts: state.attempts.with(index, attempt) };
}

export function nameOf({ row }: Attempt): string {
  return row.id.slice(accountId.length + 1);
}

export function applyTo(
  rules: Rules,
  state: State,
  index: number,
  command: LedgerCommand,
): { state: State; outcome: LedgerOutcome } {
  const attempt = state.attempts[index];
  if (attempt === undefined) throw new Error(`there is no attempt ${index}`);
  const { outcome, account, holds } = rules.decide(
    { account: state.account, hold: attempt.row },
    command,
  );
  const row = holds.find((hold) => hold.id === attempt.row.id) ?? attempt.row;
  const changed = { ...state, account: account ?? state.account };
  return { state: replaced(changed, index, { ...attempt, row }), outcome };
}

/** Nobody waits for these calls any more; what they cost can only come out by evidence. */
export function unwatched(config: Config, attempt: Attempt, calls: readonly WaitedFor[]): Attempt {
  let { floating, hiddenExcess } = attempt;
  for (const call of calls) {
    if (call === 'pending') floating += 1;
    if (typeof call === 'bigint') hiddenExcess += excessOver(config.worst, call);
  }
  return { ...attempt, floating, hiddenExcess };
}

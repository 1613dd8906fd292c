/** What others do to holds and to the account: the sweep, the provider's evidence, a person. */
import { holdId } from '#domain/account.ts';
import { type LedgerCommand } from '#domain/ledger.ts';
import { amountOf, type Attempt, excessOver, type State, Violation } from './model.ts';
import { isRecovered } from './rules.ts';
import { accountId, applyTo, at, nameOf, type Offer, replaced, type World } from './steps.ts';

/** What others do to a hold, at any time: each once, and again where they did not hear the answer. */
export function offerSweep(world: World, state: State, index: number, offer: Offer): void {
  const { rules } = world;
  const attempt = state.attempts[index];
  if (attempt === undefined) return;
  const { row } = attempt;
  const hold = holdId(accountId, row.batch, row.ordinal);
  for (const times of [1, 2]) {
    const again = times === 1 ? '' : ' twice';
    if (row.status === 'open') {
      offer(`${nameOf(attempt)} is abandoned${again}`, () =>
        swept(world, state, index, { command: { kind: 'abandon', hold, at }, times }),
      );
    }
    if (!isRecovered(attempt)) {
      offer(`${nameOf(attempt)} is recovered from its journal${again}`, () =>
        swept(world, state, index, { command: recovery(world, attempt), times }),
      );
    }
    if (row.unknown > 0n && rules.mayResolve(attempt)) {
      offer(`${nameOf(attempt)} is resolved by evidence${again}`, () =>
        swept(world, state, index, { command: resolution(attempt), times }),
      );
    }
  }
  if (row.unknown === 0n) return;
  const guess = {
    ...resolution(attempt),
    billed: amountOf(0n),
    released: row.unknown,
    evidence: '',
  };
  offer(`${nameOf(attempt)} is resolved by absence of evidence`, () =>
    swept(world, state, index, { command: guess, times: 1 }),
  );
}

function swept(
  { rules }: World,
  state: State,
  index: number,
  { command, times }: { command: LedgerCommand; times: number },
): State | null {
  const attempt = state.attempts[index];
  const { state: once, outcome } = applyTo(rules, state, index, command);
  if (attempt === undefined) return null;
  if (outcome.kind === 'refused') {
    const isTrue =
      command.kind === 'recover' || (command.kind === 'resolve' && command.evidence !== '');
    if (isTrue && attempt.row.status === 'abandoned' && !attempt.isResolved) {
      throw new Violation(`what is known about a hold cannot be recorded: ${outcome.refusal.kind}`);
    }
    return null;
  }
  const next = times === 1 ? once : applyTo(rules, once, index, command).state;
  const after = next.attempts[index];
  if (after === undefined || command.kind !== 'resolve') return next;
  const evidenced = after.evidenced + command.billed;
  return replaced(next, index, { ...after, evidenced, isResolved: true, hiddenExcess: 0n });
}

function recovery(
  { config }: World,
  { row, journal }: Attempt,
): LedgerCommand & { kind: 'recover' } {
  const cost = journal.reduce((sum, each) => sum + each, 0n);
  const excess = journal.reduce((sum, each) => sum + excessOver(config.worst, each), 0n);
  return {
    kind: 'recover',
    hold: row.id,
    from: row.captured,
    entries: journal.length,
    cost: amountOf(cost),
    excess: amountOf(excess),
  };
}

/** What the provider's log says of a hold: all that it billed, less what is paid already. */
function resolution({ row, billed }: Attempt): LedgerCommand & { kind: 'resolve' } {
  const owed = billed - row.spent;
  return {
    kind: 'resolve',
    hold: row.id,
    expected: row.unknown,
    billed: amountOf(owed),
    released: amountOf(owed < row.unknown ? row.unknown - owed : 0n),
    evidence: 'the invocation log',
  };
}

export function offerLimit({ config, rules }: World, state: State, offer: Offer): void {
  if (state.limitChanged) return;
  for (const change of config.limitChanges) {
    const limit = state.account.limit + change;
    if (limit < 0n) continue;
    offer(`a person sets the limit to ${limit}`, () => {
      const command: LedgerCommand = {
        kind: 'set-limit',
        account: accountId,
        limit: amountOf(limit),
      };
      const { account } = rules.decide({ account: state.account, hold: null }, command);
      return account === null ? null : { ...state, account, limitChanged: true };
    });
  }
}

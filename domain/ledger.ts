/**
 * The ledger: who may spend what, decided here and nowhere else. Every adapter loads the rows that
 * `slotsOf` names, asks `decide`, and stores what it answers in one transaction.
 *
 * `limit = available + held + unknown + spent + allotted` holds after every command.
 */
import { type Account, accountOfHold, committed, type Hold, holdId } from './account.ts';
import { assertAddsUp, assertCost, assertHoldIsSound } from './ledger-invariants.ts';
import { assert } from './assert.ts';
import { add, larger, type PicoUsd, smaller, subtract, zero } from './money.ts';

/** Commands of a hold's owner carry a sequence number; everybody else's name what they expect to find. */
export type LedgerCommand =
  | {
      readonly kind: 'open';
      readonly account: string;
      readonly batch: string;
      readonly wanted: PicoUsd;
      readonly least: PicoUsd;
      readonly at: string;
    }
  | {
      readonly kind: 'capture';
      readonly hold: string;
      readonly seq: number;
      /** Journal entries paid for by this command. */
      readonly entries: number;
      readonly cost: PicoUsd;
      /** The part of `cost` above what its calls could cost at worst; zero unless a bound was wrong. */
      readonly excess: PicoUsd;
      readonly topUp: PicoUsd;
    }
  | {
      readonly kind: 'shelve';
      readonly hold: string;
      readonly seq: number;
      readonly worst: PicoUsd;
    }
  | { readonly kind: 'close'; readonly hold: string; readonly seq: number; readonly at: string }
  | { readonly kind: 'abandon'; readonly hold: string; readonly at: string }
  | {
      readonly kind: 'recover';
      readonly hold: string;
      /** The cursor the caller found; another recovery in between refuses this one. */
      readonly from: number;
      readonly entries: number;
      readonly cost: PicoUsd;
      readonly excess: PicoUsd;
    }
  | {
      readonly kind: 'resolve';
      readonly hold: string;
      /** The unknown money the caller found; another resolution in between refuses this one. */
      readonly expected: PicoUsd;
      /** More than `expected` is a breach: recorded in full, and possible only with nothing released. */
      readonly billed: PicoUsd;
      readonly released: PicoUsd;
      /** Where the provider said so, for the report. Never empty. */
      readonly evidence: string;
    }
  | { readonly kind: 'set-limit'; readonly account: string; readonly limit: PicoUsd };

export type LedgerRefusal =
  | { readonly kind: 'no-account' }
  | { readonly kind: 'no-hold' }
  | { readonly kind: 'budget-exhausted'; readonly least: PicoUsd; readonly available: PicoUsd }
  | { readonly kind: 'account-frozen' }
  | { readonly kind: 'hold-not-open'; readonly status: 'closed' | 'abandoned' }
  | { readonly kind: 'out-of-sequence'; readonly expected: number; readonly seen: number }
  | { readonly kind: 'above-hold'; readonly amount: PicoUsd; readonly seen: PicoUsd }
  | { readonly kind: 'already-closed' }
  | { readonly kind: 'not-abandoned'; readonly status: Hold['status'] }
  | { readonly kind: 'stale'; readonly found: string }
  | { readonly kind: 'above-unknown'; readonly unknown: PicoUsd; readonly seen: PicoUsd }
  | { readonly kind: 'no-evidence' }
  | { readonly kind: 'below-committed'; readonly committed: PicoUsd; readonly seen: PicoUsd };

export type LedgerOutcome =
  | { readonly kind: 'done'; readonly account: Account; readonly hold: Hold | null }
  | { readonly kind: 'refused'; readonly refusal: LedgerRefusal };

/** The rows a command looks at: the account, and one hold. */
export interface LedgerRows {
  readonly account: Account | null;
  /** For `open` the batch's newest hold, otherwise the hold the command names. */
  readonly hold: Hold | null;
}

export interface LedgerDecision {
  readonly outcome: LedgerOutcome;
  /** Rows to store, all or none; empty where the command was refused or repeated. */
  readonly account: Account | null;
  readonly holds: readonly Hold[];
}

/** Which rows `decide` needs: the account's id, and the hold by id or as the newest of a batch. */
export function slotsOf(command: LedgerCommand): {
  readonly account: string;
  readonly hold: { readonly id: string } | { readonly newestOf: string } | null;
} {
  switch (command.kind) {
    case 'open':
      return { account: command.account, hold: { newestOf: command.batch } };
    case 'set-limit':
      return { account: command.account, hold: null };
    default:
      return { account: accountOfHold(command.hold), hold: { id: command.hold } };
  }
}

/**
 * What a command does to the rows it looks at: the next rows and the answer, or a refusal that changes
 * nothing. Pure: no clock, no I/O; throws only where an invariant is broken, so that nothing further is
 * spent on a ledger that does not add up.
 */
export function decide(rows: LedgerRows, command: LedgerCommand): LedgerDecision {
  if (rows.account === null) return refused({ kind: 'no-account' });
  const decision = decideFor(rows.account, rows.hold, command);
  if (decision.account !== null) assertAddsUp(decision.account);
  for (const hold of decision.holds) assertHoldIsSound(hold);
  return decision;
}

function decideFor(account: Account, hold: Hold | null, command: LedgerCommand): LedgerDecision {
  if (command.kind === 'open') return open(account, hold, command);
  if (command.kind === 'set-limit') return setLimit(account, command);
  if (hold === null) return refused({ kind: 'no-hold' });
  switch (command.kind) {
    case 'capture':
    case 'shelve':
    case 'close':
      return ownersCommand(account, hold, command);
    case 'abandon':
      return abandon(account, hold, command);
    case 'recover':
      return recover(account, hold, command);
    case 'resolve':
      return resolve(account, hold, command);
  }
}

type Command<Kind extends LedgerCommand['kind']> = Extract<LedgerCommand, { kind: Kind }>;

function open(account: Account, newest: Hold | null, command: Command<'open'>): LedgerDecision {
  assert(command.least > 0n, 'a hold must be able to pay for something');
  assert(command.wanted >= command.least, 'a hold cannot want less than the least it needs');
  if (account.status === 'frozen') return refused({ kind: 'account-frozen' });
  if (account.available < command.least) {
    const { least } = command;
    return refused({ kind: 'budget-exhausted', least, available: larger(account.available, zero) });
  }
  const before =
    newest?.status === 'open' ? abandoned(account, newest, command.at) : { account, hold: null };
  const amount = smaller(command.wanted, before.account.available);
  const ordinal = (newest?.ordinal ?? 0) + 1;
  const opened: Hold = {
    id: holdId(account.id, command.batch, ordinal),
    account: account.id,
    batch: command.batch,
    ordinal,
    status: 'open',
    amount,
    seq: 0,
    captured: 0,
    spent: zero,
    unknown: zero,
    endedAt: null,
  };
  const next = {
    ...before.account,
    available: subtract(before.account.available, amount),
    held: add(before.account.held, amount),
  };
  return done(next, opened, before.hold === null ? [] : [before.hold]);
}

function ownersCommand(
  account: Account,
  hold: Hold,
  command: Command<'capture' | 'shelve' | 'close'>,
): LedgerDecision {
  // An abandoned hold refuses even a repetition: its owner must stop, whatever its last command did.
  if (hold.status === 'abandoned') return refused({ kind: 'hold-not-open', status: 'abandoned' });
  // Only the owner changes an open hold, so the row still is what its last command answered.
  if (command.seq === hold.seq) return repeated(account, hold);
  if (hold.status !== 'open') return refused({ kind: 'hold-not-open', status: hold.status });
  if (command.seq !== hold.seq + 1) {
    return refused({ kind: 'out-of-sequence', expected: hold.seq + 1, seen: command.seq });
  }
  const next = { ...hold, seq: command.seq };
  switch (command.kind) {
    case 'capture':
      return capture(account, next, command);
    case 'shelve':
      return shelve(account, next, command);
    case 'close':
      return close(account, next, command);
  }
}

function capture(account: Account, hold: Hold, command: Command<'capture'>): LedgerDecision {
  assertCost(command);
  const fromHold = smaller(hold.amount, subtract(command.cost, command.excess));
  // More than the worst case was billed. The money is gone: recorded in full, and nothing more is sent.
  const beyond = subtract(command.cost, fromHold);
  const status = beyond > 0n ? 'frozen' : account.status;
  const left = subtract(account.available, beyond);
  const topUp = status === 'frozen' ? zero : smaller(command.topUp, larger(left, zero));
  return done(
    {
      ...account,
      status,
      available: subtract(left, topUp),
      held: add(subtract(account.held, fromHold), topUp),
      spent: add(account.spent, command.cost),
    },
    {
      ...hold,
      amount: add(subtract(hold.amount, fromHold), topUp),
      captured: hold.captured + command.entries,
      spent: add(hold.spent, command.cost),
    },
  );
}

function shelve(account: Account, hold: Hold, { worst }: Command<'shelve'>): LedgerDecision {
  if (worst > hold.amount) {
    return refused({ kind: 'above-hold', amount: hold.amount, seen: worst });
  }
  return done(
    {
      ...account,
      held: subtract(account.held, worst),
      unknown: add(account.unknown, worst),
    },
    { ...hold, amount: subtract(hold.amount, worst), unknown: add(hold.unknown, worst) },
  );
}

function close(account: Account, hold: Hold, command: Command<'close'>): LedgerDecision {
  return done(
    {
      ...account,
      held: subtract(account.held, hold.amount),
      available: add(account.available, hold.amount),
    },
    { ...hold, amount: zero, status: 'closed', endedAt: command.at },
  );
}

function abandon(account: Account, hold: Hold, command: Command<'abandon'>): LedgerDecision {
  if (hold.status === 'closed') return refused({ kind: 'already-closed' });
  if (hold.status === 'abandoned') return repeated(account, hold);
  const after = abandoned(account, hold, command.at);
  return done(after.account, after.hold);
}

/** All of what is held becomes unknown: the attempt may have calls on the wire that nobody sees. */
function abandoned(account: Account, hold: Hold, at: string): { account: Account; hold: Hold } {
  return {
    account: {
      ...account,
      held: subtract(account.held, hold.amount),
      unknown: add(account.unknown, hold.amount),
    },
    hold: {
      ...hold,
      status: 'abandoned',
      amount: zero,
      unknown: add(hold.unknown, hold.amount),
      endedAt: at,
    },
  };
}

function recover(account: Account, hold: Hold, command: Command<'recover'>): LedgerDecision {
  assertCost(command);
  if (hold.status !== 'abandoned') return refused({ kind: 'not-abandoned', status: hold.status });
  if (command.from !== hold.captured) {
    return refused({ kind: 'stale', found: `cursor ${hold.captured}` });
  }
  const fromUnknown = subtract(command.cost, command.excess);
  if (fromUnknown > hold.unknown) {
    return refused({ kind: 'above-unknown', unknown: hold.unknown, seen: fromUnknown });
  }
  return done(
    {
      ...account,
      status: command.excess > 0n ? 'frozen' : account.status,
      available: subtract(account.available, command.excess),
      unknown: subtract(account.unknown, fromUnknown),
      spent: add(account.spent, command.cost),
    },
    {
      ...hold,
      captured: hold.captured + command.entries,
      unknown: subtract(hold.unknown, fromUnknown),
      spent: add(hold.spent, command.cost),
    },
  );
}

function resolve(account: Account, hold: Hold, command: Command<'resolve'>): LedgerDecision {
  assert(command.billed >= 0n && command.released >= 0n, 'resolved amounts cannot be negative');
  if (command.evidence === '') return refused({ kind: 'no-evidence' });
  if (hold.status === 'open') return refused({ kind: 'not-abandoned', status: 'open' });
  if (command.expected !== hold.unknown) {
    return refused({ kind: 'stale', found: `unknown ${hold.unknown} pUSD` });
  }
  // More than the worst case was billed and no answer tells: recorded as a capture of it would be. With
  // nothing unknown the evidence is of calls that are settled already, and counting it would count twice.
  const mayExceed = command.released === 0n && hold.unknown > 0n;
  const excess = mayExceed ? larger(subtract(command.billed, hold.unknown), zero) : zero;
  const seen = add(command.billed, command.released);
  const fromUnknown = subtract(seen, excess);
  if (fromUnknown > hold.unknown) {
    return refused({ kind: 'above-unknown', unknown: hold.unknown, seen });
  }
  return done(
    {
      ...account,
      status: excess > 0n ? 'frozen' : account.status,
      unknown: subtract(account.unknown, fromUnknown),
      spent: add(account.spent, command.billed),
      available: subtract(add(account.available, command.released), excess),
    },
    {
      ...hold,
      unknown: subtract(hold.unknown, fromUnknown),
      spent: add(hold.spent, command.billed),
    },
  );
}

function setLimit(account: Account, { limit }: Command<'set-limit'>): LedgerDecision {
  const least = committed(account);
  if (limit < least) return refused({ kind: 'below-committed', committed: least, seen: limit });
  return done({ ...account, limit, available: subtract(limit, least) }, null);
}

function done(account: Account, hold: Hold | null, others: readonly Hold[] = []): LedgerDecision {
  const holds = hold === null ? others : [...others, hold];
  return { outcome: { kind: 'done', account, hold }, account, holds };
}

function repeated(account: Account, hold: Hold): LedgerDecision {
  return { outcome: { kind: 'done', account, hold }, account: null, holds: [] };
}

function refused(refusal: LedgerRefusal): LedgerDecision {
  return { outcome: { kind: 'refused', refusal }, account: null, holds: [] };
}

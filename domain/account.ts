/** A job's money and the holds on it, as they are stored. What changes them is decided in ledger.ts. */
import { add, type PicoUsd, zero } from './money.ts';

export interface Account {
  readonly id: string;
  readonly limit: PicoUsd;
  /** Below zero only after a breach: more was billed than a call could cost at worst. */
  readonly available: PicoUsd;
  readonly held: PicoUsd;
  readonly unknown: PicoUsd;
  readonly spent: PicoUsd;
  readonly allotted: PicoUsd;
  /** Frozen by a breach: nothing more is opened or topped up until a person has looked. */
  readonly status: 'active' | 'frozen';
}

/** What one attempt at one batch may spend. */
export interface Hold {
  readonly id: string;
  readonly account: string;
  readonly batch: string;
  /** Numbers the attempts at a batch, from 1. */
  readonly ordinal: number;
  readonly status: 'open' | 'closed' | 'abandoned';
  /** What is still held; zero once the hold is closed or abandoned. */
  readonly amount: PicoUsd;
  /** The holder's last applied command; its next one carries `seq + 1`. */
  readonly seq: number;
  /** How many entries of the attempt's journal are paid for, from its start. */
  readonly captured: number;
  /** This hold's share of the account's spent and unknown money. */
  readonly spent: PicoUsd;
  readonly unknown: PicoUsd;
  /** When it was abandoned or closed (RFC 3339), from which late evidence is counted; null while open. */
  readonly endedAt: string | null;
}

/** `<account>/<batch>/<ordinal>`: also what every call carries to the provider's log. */
export function holdId(account: string, batch: string, ordinal: number): string {
  return `${account}/${batch}/${ordinal}`;
}

export function accountOfHold(hold: string): string {
  return hold.slice(0, hold.indexOf('/'));
}

export function newAccount(id: string, limit: PicoUsd): Account {
  return {
    id,
    limit,
    available: limit,
    held: zero,
    unknown: zero,
    spent: zero,
    allotted: zero,
    status: 'active',
  };
}

/** Held, unknown, spent and allotted: what a limit cannot be lowered below. */
export function committed(account: Account): PicoUsd {
  return add(account.held, account.unknown, account.spent, account.allotted);
}

/**
 * What a holder may do with its hold, from its own knowledge alone (design section 4). The amount and
 * the sequence number are what its own commands returned: the ledger's row may have been changed by
 * whoever abandoned this hold, and believing it is how money is spent twice.
 */
import { assert } from './assert.ts';
import type { Hold } from './account.ts';
import type { LedgerCommand } from './ledger.ts';
import { add, larger, type PicoUsd, pico, smaller, subtract, zero } from './money.ts';

export interface Holder {
  readonly hold: string;
  /** What the last successful command left held. */
  readonly amount: PicoUsd;
  readonly seq: number;
  /** Calls on the wire, and calls without an answer that are not shelved yet, at their worst. */
  readonly inFlightWorst: PicoUsd;
  readonly inFlight: number;
  /** Durable answers that no capture has paid for yet. */
  readonly uncaptured: {
    readonly entries: number;
    readonly cost: PicoUsd;
    readonly excess: PicoUsd;
  };
}

const nothingUncaptured = { entries: 0, cost: zero, excess: zero };

export function newHolder(hold: Hold): Holder {
  return {
    hold: hold.id,
    amount: hold.amount,
    seq: hold.seq,
    inFlightWorst: zero,
    inFlight: 0,
    uncaptured: nothingUncaptured,
  };
}

/** What is neither promised to a call on the wire nor owed for an answer. */
export function headroom(holder: Holder): PicoUsd {
  return subtract(holder.amount, add(holder.inFlightWorst, holder.uncaptured.cost));
}

/** Whether a call that could cost `worst` may be started. */
export function mayStart(holder: Holder, worst: PicoUsd): boolean {
  return worst <= headroom(holder);
}

export function started(holder: Holder, worst: PicoUsd): Holder {
  assert(mayStart(holder, worst), `a call was started beyond hold ${holder.hold}`);
  return {
    ...holder,
    inFlightWorst: add(holder.inFlightWorst, worst),
    inFlight: holder.inFlight + 1,
  };
}

/** A call that was certainly not billed: its worst case is free again. */
export function notBilled(holder: Holder, worst: PicoUsd): Holder {
  return landed(holder, worst);
}

/** An answer is durable in the journal; what it cost is owed until a capture. */
export function journaled(holder: Holder, worst: PicoUsd, cost: PicoUsd): Holder {
  const { uncaptured } = holder;
  return {
    ...landed(holder, worst),
    uncaptured: {
      entries: uncaptured.entries + 1,
      cost: add(uncaptured.cost, cost),
      excess: add(uncaptured.excess, excessOf(cost, worst)),
    },
  };
}

function landed(holder: Holder, worst: PicoUsd): Holder {
  assert(holder.inFlight > 0, `a call of hold ${holder.hold} ended that was not started`);
  return {
    ...holder,
    inFlightWorst: subtract(holder.inFlightWorst, worst),
    inFlight: holder.inFlight - 1,
  };
}

/** The part of a cost above what the call could cost at worst: zero unless the bound was wrong. */
export function excessOf(cost: PicoUsd, worst: PicoUsd): PicoUsd {
  return larger(subtract(cost, worst), zero);
}

/** Pays for everything journaled so far and asks for more. With nothing to pay it renews the hold. */
export function captureCommand(
  holder: Holder,
  topUp: PicoUsd,
): LedgerCommand & { kind: 'capture' } {
  return { kind: 'capture', hold: holder.hold, seq: holder.seq + 1, ...holder.uncaptured, topUp };
}

/** After a successful capture: `hold` is the row that this very command returned. */
export function afterCapture(
  holder: Holder,
  command: LedgerCommand & { kind: 'capture' },
  hold: Hold,
): Holder {
  const { uncaptured } = holder;
  return {
    ...holder,
    amount: hold.amount,
    seq: command.seq,
    // Answers that were journaled while the command was under way wait for the next one.
    uncaptured: {
      entries: uncaptured.entries - command.entries,
      cost: subtract(uncaptured.cost, command.cost),
      excess: subtract(uncaptured.excess, command.excess),
    },
  };
}

/** Gives up on an answer: what the call could cost stays counted until there is evidence. */
export function shelveCommand(holder: Holder, worst: PicoUsd): LedgerCommand & { kind: 'shelve' } {
  return { kind: 'shelve', hold: holder.hold, seq: holder.seq + 1, worst };
}

export function afterShelve(
  holder: Holder,
  command: LedgerCommand & { kind: 'shelve' },
  hold: Hold,
): Holder {
  return { ...landed(holder, command.worst), amount: hold.amount, seq: command.seq };
}

/** Ends the hold; only with no call on the wire and every durable answer captured. */
export function closeCommand(holder: Holder, at: string): LedgerCommand & { kind: 'close' } {
  assert(holder.inFlight === 0, `hold ${holder.hold} was closed with calls in flight`);
  assert(holder.uncaptured.entries === 0, `hold ${holder.hold} was closed with unpaid answers`);
  return { kind: 'close', hold: holder.hold, seq: holder.seq + 1, at };
}

/** How many worst cases a hold should cover, so that the ledger is written a few times per batch. */
const callsAheadPerSlot = 4;

/**
 * How much a batch should hold: enough for its next calls, more while money is plentiful, never more
 * than all that it still has to do could cost. A share of what is available keeps one batch from taking
 * what the others of the window need to open.
 */
export function wantedHold(batch: {
  readonly callWorst: PicoUsd;
  readonly remainingWorst: PicoUsd;
  readonly concurrency: number;
  readonly available: PicoUsd;
  readonly window: number;
}): PicoUsd {
  const ahead = pico(batch.callWorst * BigInt(batch.concurrency * callsAheadPerSlot));
  const share = pico(batch.available / BigInt(batch.window));
  return larger(batch.callWorst, smaller(batch.remainingWorst, larger(ahead, share)));
}

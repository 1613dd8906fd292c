/**
 * Owns one hold while an attempt lives: grants headroom in order and stops everything once the hold is
 * lost. Knows nothing of records.
 */
import { assert } from '#domain/assert.ts';
import { headroom, journaled, mayStart, notBilled, started } from '#domain/budget.ts';
import { add, larger, type PicoUsd, subtract, zero } from '#domain/money.ts';
import type { Ledger } from '#store/contract.ts';
import { createHoldCommands, type HoldCommands, type OpenedHold } from './hold-commands.ts';
import type { Clock } from './ports.ts';

export type Grant =
  | { readonly kind: 'granted' }
  /** The hold cannot grow to this call, and none of its calls is under way that could free money. */
  | { readonly kind: 'out-of-money'; readonly needed: PicoUsd; readonly available: PicoUsd }
  | { readonly kind: 'frozen' }
  /** Somebody abandoned the hold, or the ledger cannot be reached: nothing more may be sent. */
  | { readonly kind: 'hold-lost'; readonly reason: string };

export interface HoldOwner {
  readonly id: string;
  /** Leave to start one call that could cost `worst`; waits for the ledger, never for other batches. */
  reserve(worst: PicoUsd): Promise<Grant>;
  /** A call that was reserved was certainly not billed, or not sent. */
  release(worst: PicoUsd): void;
  /** A call's answer is durable and cost this much. */
  answered(worst: PicoUsd, cost: PicoUsd): void;
  /** A call's answer is lost: its worst case stays counted. */
  shelve(worst: PicoUsd): Promise<void>;
  /**
   * The fence: resolves while nobody can have handed this hold's money to somebody else, renewing it
   * with the ledger when the last command is a minute old; rejects when the hold is gone.
   */
  confirm(): Promise<void>;
  /** Pays for what is journaled, as of now. */
  settle(): Promise<void>;
  /** Asks the ledger, paying for what is journaled: whether the hold is still this owner's. */
  isHeld(): Promise<boolean>;
  /** Pays for everything and gives the rest back. Only when no call is on the wire. */
  close(): Promise<void>;
}

export interface HoldOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly opened: OpenedHold;
  /** How much the batch would like to hold, given what is available. */
  readonly wanted: (available: PicoUsd) => PicoUsd;
}

interface Waiter {
  readonly worst: PicoUsd;
  readonly resolve: (grant: Grant) => void;
}

interface Owner {
  readonly commands: HoldCommands;
  readonly wanted: HoldOptions['wanted'];
  readonly waiters: Waiter[];
  isPumping: boolean;
  /** Once closing has begun no call may start: what is held is on its way back. */
  isClosing: boolean;
  /** The renewal under way: calls that reach the fence together share one command. */
  renewing: Promise<void> | null;
}

export function ownHold(options: HoldOptions): HoldOwner {
  const commands = createHoldCommands(options.ledger, options.clock, options.opened);
  const owner: Owner = {
    commands,
    wanted: options.wanted,
    waiters: [],
    isPumping: false,
    isClosing: false,
    renewing: null,
  };
  return {
    id: commands.holder.hold,
    reserve: (worst) => reserve(owner, worst),
    release(worst) {
      commands.holder = notBilled(commands.holder, worst);
      pumpSoon(owner);
    },
    answered(worst, cost) {
      commands.holder = journaled(commands.holder, worst, cost);
      if (cost > worst) void commands.capture(() => zero);
      pumpSoon(owner);
    },
    async shelve(worst) {
      await commands.shelve(worst);
      pumpSoon(owner);
    },
    async confirm() {
      if (!commands.isConfirmed()) await renew(owner);
      if (commands.lost !== null) throw new Error(commands.lost);
      // The answer to the renewal may have slept on its way too.
      if (!commands.isConfirmed())
        throw new Error(`hold ${commands.holder.hold} was renewed too long ago`);
    },
    async settle() {
      if (commands.holder.uncaptured.entries > 0) await commands.capture(() => topUp(owner));
      pumpSoon(owner);
    },
    async isHeld() {
      await commands.capture(() => topUp(owner));
      pumpSoon(owner);
      return commands.lost === null;
    },
    async close() {
      owner.isClosing = true;
      if (commands.holder.uncaptured.entries > 0) await commands.capture(() => zero);
      await commands.close();
    },
  };
}

function reserve(owner: Owner, worst: PicoUsd): Promise<Grant> {
  const { commands, waiters } = owner;
  assert(
    !owner.isClosing,
    `a call was started while hold ${commands.holder.hold} was being closed`,
  );
  if (waiters.length === 0 && refusal(commands) === null && mayStart(commands.holder, worst)) {
    commands.holder = started(commands.holder, worst);
    return Promise.resolve({ kind: 'granted' });
  }
  return new Promise((resolve) => {
    waiters.push({ worst, resolve });
    pumpSoon(owner);
  });
}

function renew(owner: Owner): Promise<void> {
  owner.renewing ??= owner.commands
    .capture(() => zero)
    .finally(() => {
      owner.renewing = null;
    });
  return owner.renewing;
}

function refusal({ lost, account, holder }: HoldCommands): Grant | null {
  if (lost !== null) return { kind: 'hold-lost', reason: lost };
  // A breach stops this attempt before the capture that freezes the account for all others.
  const isBreached = holder.uncaptured.excess > 0n;
  return isBreached || account.status === 'frozen' ? { kind: 'frozen' } : null;
}

/** Not awaited: what goes wrong inside becomes `lost`, which every waiter is told. */
function pumpSoon(owner: Owner): void {
  if (owner.waiters.length > 0 && !owner.isPumping) void pump(owner);
}

/** Serves the waiters until each has leave, is refused, or waits for a call that is on the wire. */
async function pump(owner: Owner): Promise<void> {
  const { commands, waiters } = owner;
  owner.isPumping = true;
  try {
    for (;;) {
      grantWaiters(owner);
      const first = waiters[0];
      if (first === undefined) return;
      await commands.capture(() => topUp(owner));
      const { holder } = commands;
      if (refusal(commands) !== null || mayStart(holder, first.worst)) continue;
      // An answer on the wire will free what it does not cost: whoever lands pumps again.
      if (holder.inFlight > 0) return;
      if (holder.uncaptured.entries === 0) refuseForMoney(owner);
    }
  } finally {
    owner.isPumping = false;
  }
}

function grantWaiters({ commands, waiters }: Owner): void {
  for (let waiter = waiters[0]; waiter !== undefined; waiter = waiters[0]) {
    const refused = refusal(commands);
    if (refused === null && !mayStart(commands.holder, waiter.worst)) return;
    if (refused === null) commands.holder = started(commands.holder, waiter.worst);
    waiters.shift();
    waiter.resolve(refused ?? { kind: 'granted' });
  }
}

/** Enough for the first waiter at least, so that a dear call is not starved by cheap ones. */
function topUp({ commands, waiters, wanted }: Owner): PicoUsd {
  const first = waiters[0];
  if (first === undefined) return zero;
  const target = larger(wanted(commands.account.available), first.worst);
  return larger(subtract(target, headroom(commands.holder)), zero);
}

function refuseForMoney({ commands, waiters }: Owner): void {
  const available = add(commands.account.available, headroom(commands.holder));
  for (const { worst, resolve } of waiters.splice(0)) {
    resolve({ kind: 'out-of-money', needed: worst, available });
  }
}

/** Sends one hold's ledger commands, one at a time, and knows only what their answers said. */
import {
  afterCapture,
  afterShelve,
  captureCommand,
  closeCommand,
  type Holder,
  newHolder,
  shelveCommand,
} from '#domain/budget.ts';
import type { Account, Hold } from '#domain/account.ts';
import type { LedgerCommand, LedgerOutcome } from '#domain/ledger.ts';
import type { PicoUsd } from '#domain/money.ts';
import type { Ledger } from '#store/contract.ts';
import type { Clock } from './ports.ts';

export interface HoldCommands {
  /** The holder's knowledge; calls that start and end change it between commands. */
  holder: Holder;
  /** The account as the last command found it. */
  account: Account;
  /** Why nothing more may be sent: the hold is somebody else's business now, or the ledger is away. */
  lost: string | null;
  /** Pays for what is journaled and asks for more; with nothing to pay it renews the hold. */
  capture(topUp: () => PicoUsd): Promise<void>;
  shelve(worst: PicoUsd): Promise<void>;
  close(): Promise<void>;
  /** Whether the last successful command is recent enough for a request to be written. */
  isConfirmed(): boolean;
}

/** A hold as its opening answered it. */
export interface OpenedHold {
  readonly hold: Hold;
  readonly account: Account;
  /** When the opening was sent: from here on the hold's age is counted. */
  readonly sentAt: Moment;
}

/** One moment by both clocks. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function momentOf(clock: Clock): Moment {
  return { wallMs: clock.now(), monotonicMs: clock.monotonic() };
}

/** A hold's last successful command may be this old when a request is written (design section 4). */
const confirmedMsMax = 60_000;
const ledgerTriesMax = 5;

export function createHoldCommands(ledger: Ledger, clock: Clock, opened: OpenedHold): HoldCommands {
  let confirmed = opened.sentAt;
  let queue: Promise<void> = Promise.resolve();

  /** The next command's sequence number depends on the last one's answer. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  }

  async function execute(command: LedgerCommand): Promise<Hold | null> {
    if (its.lost !== null) return null;
    // From before it was sent: its answer may have slept on the way while the hold was given away.
    const sentAt = momentOf(clock);
    const outcome = await executeSurely(ledger, clock, command);
    if (outcome.kind === 'away') {
      its.lost = `the ledger cannot be reached: ${outcome.reason}`;
      return null;
    }
    if (outcome.kind === 'refused') {
      its.lost = `${command.kind} of hold ${its.holder.hold} was refused: ${outcome.refusal.kind}`;
      return null;
    }
    confirmed = sentAt;
    its.account = outcome.account;
    return outcome.hold;
  }

  const its: HoldCommands = {
    holder: newHolder(opened.hold),
    account: opened.account,
    lost: null,
    capture: (topUp) =>
      inTurn(async () => {
        const command = captureCommand(its.holder, topUp());
        const hold = await execute(command);
        if (hold !== null) its.holder = afterCapture(its.holder, command, hold);
      }),
    shelve: (worst) =>
      inTurn(async () => {
        const command = shelveCommand(its.holder, worst);
        const hold = await execute(command);
        if (hold !== null) its.holder = afterShelve(its.holder, command, hold);
      }),
    close: () =>
      inTurn(async () => {
        if (its.lost !== null) return;
        await execute(closeCommand(its.holder, clock.timestamp()));
      }),
    isConfirmed() {
      const wallMs = clock.now() - confirmed.wallMs;
      const monotonicMs = clock.monotonic() - confirmed.monotonicMs;
      // A wall clock that was set back says nothing about how much time has passed.
      return wallMs >= 0 && wallMs < confirmedMsMax && monotonicMs < confirmedMsMax;
    },
  };
  return its;
}

/** The same command until it is answered: repeating it is safe, its number says that it is the same. */
async function executeSurely(
  ledger: Ledger,
  clock: Clock,
  command: LedgerCommand,
): Promise<LedgerOutcome | { readonly kind: 'away'; readonly reason: string }> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ledger.execute(command);
    } catch (error) {
      if (tries >= ledgerTriesMax) return { kind: 'away', reason: String(error) };
      await clock.sleep(100 * 2 ** tries);
    }
  }
}

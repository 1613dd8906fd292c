/** The rules under test, as one value: the search drives the real ones, and wrong ones it must catch. */
import * as budget from '#domain/budget.ts';
import { type Hold } from '#domain/account.ts';
import { decide, type LedgerCommand } from '#domain/ledger.ts';
import type { PicoUsd } from '#domain/money.ts';
import type { Attempt, Process } from './model.ts';

type Sent = NonNullable<Process['sent']>;

export interface Rules {
  readonly decide: typeof decide;
  readonly newHolder: typeof budget.newHolder;
  readonly mayStart: typeof budget.mayStart;
  readonly started: typeof budget.started;
  readonly notBilled: typeof budget.notBilled;
  readonly journaled: typeof budget.journaled;
  readonly captureCommand: typeof budget.captureCommand;
  readonly afterCapture: typeof budget.afterCapture;
  readonly shelveCommand: typeof budget.shelveCommand;
  readonly afterShelve: typeof budget.afterShelve;
  readonly closeCommand: typeof budget.closeCommand;
  /** What a holder takes over from the ledger's row before it starts a call: nothing. */
  readonly believed: (
    holder: budget.Holder,
    row: Hold,
    journal: readonly bigint[],
  ) => budget.Holder;
  /** Whether calls may be started while this command is under way: a holder that closes is done. */
  readonly mayStartDuring: (sent: Sent | null) => boolean;
  /** What a holder does that gives up on an answer without a command: nothing, it shelves. */
  readonly released: ((holder: budget.Holder, worst: PicoUsd) => budget.Holder) | null;
  /** What is sent again after an acknowledgement was lost: the very same command. */
  readonly repeated: (holder: budget.Holder, command: LedgerCommand) => LedgerCommand;
  /** Whether an answer that says `done` lets the process send calls again. */
  readonly provesHold: (sent: Sent) => boolean;
  /** Whether evidence about an ended hold is final. */
  readonly mayResolve: (attempt: Attempt) => boolean;
}

export const realRules: Rules = {
  decide,
  newHolder: budget.newHolder,
  mayStart: budget.mayStart,
  started: budget.started,
  notBilled: budget.notBilled,
  journaled: budget.journaled,
  captureCommand: budget.captureCommand,
  afterCapture: budget.afterCapture,
  shelveCommand: budget.shelveCommand,
  afterShelve: budget.afterShelve,
  closeCommand: budget.closeCommand,
  believed: (holder) => holder,
  mayStartDuring: (sent) => sent?.command.kind !== 'close',
  released: null,
  repeated: (_holder, command) => command,
  provesHold: (sent) => sent.isFresh,
  mayResolve: (attempt) => canNeverSend(attempt) && isProviderDone(attempt) && isRecovered(attempt),
};

/** Its process is gone, or its last success is too old and no younger one is on its way back. */
export function canNeverSend({ process }: Attempt): boolean {
  if (process === null) return true;
  return process.mode !== 'sending' && process.sent?.isFresh !== true;
}

export function isProviderDone({ floating, process }: Attempt): boolean {
  return floating === 0 && process?.waiting.includes('pending') !== true;
}

export function isRecovered({ journal }: Attempt): boolean {
  return journal.length === 0;
}

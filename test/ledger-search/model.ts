/**
 * What the search walks over: the ledger's rows, the provider's bill, the processes with what each of
 * them believes, and the journals. All money is in single pico-dollars; a call costs at most `worst`.
 */
import type { Holder } from '#domain/budget.ts';
import type { Account, Hold } from '#domain/account.ts';
import type { LedgerCommand, LedgerOutcome } from '#domain/ledger.ts';
import { type PicoUsd, pico, zero } from '#domain/money.ts';

export interface Config {
  readonly name: string;
  readonly recordsPerBatch: number;
  /** Attempts at each batch: every one after its first abandons what it finds open. */
  readonly attempts: readonly number[];
  /** Calls that an attempt may make beyond one for each record it has no answer to. */
  readonly extraCalls: number;
  readonly limit: bigint;
  readonly worst: bigint;
  /** What a call may turn out to cost; one above `worst` is a breach. */
  readonly costs: readonly bigint[];
  readonly wanted: bigint;
  /** By how much a person may change the limit, once. */
  readonly limitChanges: readonly bigint[];
}

/** A call that a process waits for: it may still be billed, or it was for this much. */
export type WaitedFor = 'pending' | bigint;

export interface Process {
  readonly holder: Holder;
  /** `fenced`: its last successful command is too old to send by. `stopped`: it knows it was abandoned. */
  readonly mode: 'sending' | 'fenced' | 'stopped';
  /** Calls that it waits for, as they stand at the provider. */
  readonly waiting: readonly WaitedFor[];
  readonly callsLeft: number;
  /** The one command that was sent and applied, and whose answer was not heard yet. */
  readonly sent: {
    readonly command: LedgerCommand;
    readonly answer: LedgerOutcome;
    /** Sent so lately that success proves the hold: measured from the sending, not from the answer. */
    readonly isFresh: boolean;
  } | null;
}

export interface Attempt {
  readonly batch: number;
  readonly row: Hold;
  /** Null once it crashed, closed or had nothing more to do. */
  readonly process: Process | null;
  /** Costs of journaled answers that the row's cursor does not count yet. */
  readonly journal: readonly bigint[];
  /** Calls that the provider may still bill and nobody waits for. */
  readonly floating: number;
  readonly billed: bigint;
  /** The parts of the row's spent money: by journal, and by the provider's evidence. */
  readonly paid: bigint;
  readonly evidenced: bigint;
  readonly isResolved: boolean;
  /** What was billed above its worst case and will never be journaled. */
  readonly hiddenExcess: bigint;
}

export interface State {
  readonly account: Account;
  readonly attempts: readonly Attempt[];
  readonly limitChanged: boolean;
}

export class Violation extends Error {}

export function excessOver(worst: bigint, cost: bigint): bigint {
  return cost > worst ? cost - worst : 0n;
}

/** Stops the search where a promise about money is broken. */
export function check(config: Config, before: State, state: State): void {
  const { account, attempts } = state;
  const counted = account.spent + account.held + account.unknown + account.allotted;
  demand(account.limit === account.available + counted, 'the account does not add up');
  demand(account.held >= 0n && account.unknown >= 0n && account.spent >= 0n, 'a part is negative');
  demand(account.available >= 0n || account.status === 'frozen', 'the account is overdrawn');
  const isOutgrown = before.account.status === 'frozen' && account.held > before.account.held;
  demand(!isOutgrown, 'a frozen account gave out money');
  let [amount, unknown, spent, billed, excess] = [0n, 0n, 0n, 0n, 0n];
  for (const attempt of attempts) {
    checkAttempt(config, attempt);
    amount += attempt.row.amount;
    unknown += attempt.row.unknown;
    spent += attempt.row.spent;
    billed += attempt.billed;
    excess += openExcess(config, attempt);
  }
  demand(account.held === amount, 'held is not the sum over the holds');
  demand(account.unknown === unknown, 'unknown is not the sum over the holds');
  demand(account.spent === spent, 'spent is not the sum over the holds');
  demand(billed <= counted + excess, 'the bill is above what is counted');
  demand(
    billed <= account.limit + excess || account.status === 'frozen',
    'the bill is above the limit',
  );
  const isAccounted = account.held > 0n || account.unknown > 0n || excess > 0n || billed === spent;
  demand(isAccounted, 'nothing is unknown and the bill is not what was spent');
  for (let batch = 0; batch < config.attempts.length; batch += 1) {
    const open = attempts.filter((each) => each.batch === batch && each.row.status === 'open');
    demand(open.length <= 1, 'a batch has two open holds');
  }
}

function checkAttempt(config: Config, attempt: Attempt): void {
  const { row, billed } = attempt;
  demand(row.amount >= 0n && row.unknown >= 0n && row.spent >= 0n, 'a part of a hold is negative');
  demand(row.status === 'open' || row.amount === 0n, 'an ended hold holds money');
  demand(row.captured === 0, 'the cursor is beyond the journal');
  demand(
    row.spent === attempt.paid + attempt.evidenced,
    'a journaled answer is not paid exactly once',
  );
  demand(row.spent <= billed, 'more was charged than billed');
  const counted = row.spent + row.amount + row.unknown + openExcess(config, attempt);
  // Whatever is on the wire is taken as billed already, at its worst: then it does not matter for any
  // other promise when the provider bills, and the search need not try every moment for it.
  const onWire = BigInt(attempt.floating + pendingCalls(attempt.process)) * config.worst;
  demand(billed + onWire <= counted, 'a hold can be billed more than it counts');
}

export function pendingCalls(process: Process | null): number {
  return process?.waiting.filter((call) => call === 'pending').length ?? 0;
}

/** Excess that is billed and that nobody can have told the ledger of yet. */
function openExcess(config: Config, attempt: Attempt): bigint {
  if (attempt.isResolved) return 0n;
  let excess = attempt.hiddenExcess;
  for (const cost of attempt.journal) excess += excessOver(config.worst, cost);
  for (const call of attempt.process?.waiting ?? []) {
    if (typeof call === 'bigint') excess += excessOver(config.worst, call);
  }
  return excess;
}

function demand(isTrue: boolean, broken: string): void {
  if (!isTrue) throw new Violation(broken);
}

/** Moves paid entries out of the journal and forgets numbers that only ever are compared. */
export function settled(attempt: Attempt): Attempt {
  let next = attempt;
  const { captured } = next.row;
  if (captured > 0 && captured <= next.journal.length) {
    const paid = next.journal.slice(0, captured).reduce((sum, cost) => sum + cost, next.paid);
    const journal = next.journal.slice(captured);
    next = { ...next, row: { ...next.row, captured: 0 }, journal, paid };
  }
  const { process } = next;
  if (process === null)
    return next.row.seq === 0 ? next : { ...next, row: { ...next.row, seq: 0 } };
  if (isIdleForever(next, process)) return settled({ ...next, process: null });
  // The reducer compares numbers of commands and adds one: equal ones may start again from zero.
  if (process.sent === null && next.row.seq !== 0 && next.row.seq === process.holder.seq) {
    const holder = { ...process.holder, seq: 0 };
    return { ...next, row: { ...next.row, seq: 0 }, process: { ...process, holder } };
  }
  return next;
}

/** Cut off, with nothing to wait for and no call that it could still start: nothing comes of it. */
function isIdleForever({ row }: Attempt, process: Process): boolean {
  if (row.status === 'open' || process.sent !== null || process.waiting.length > 0) return false;
  return process.mode !== 'sending' || process.callsLeft === 0;
}

/**
 * Equal for states with the same future. What was spent is left out, together with the same part of the
 * bill and of the limit: no rule looks at it, and `check` has seen it. The
 * attempts at one batch before the newest are interchangeable: none of them can be open.
 */
export function keyOf(config: Config, state: State): string {
  const { account } = state;
  const batches: string[] = [];
  for (let batch = 0; batch < config.attempts.length; batch += 1) {
    const keys = state.attempts.filter((each) => each.batch === batch).map(keyOfAttempt);
    batches.push([...keys.slice(0, -1).toSorted(), ...keys.slice(-1)].join(';'));
  }
  const key = [account.available, account.held, account.unknown].join();
  const flags = (account.status === 'frozen' ? 'F' : '') + (state.limitChanged ? 'L' : '');
  return `${key}${flags}|${batches.join('|')}`;
}

function keyOfAttempt(attempt: Attempt): string {
  const { row, process, journal } = attempt;
  const numbers = [row.amount, row.unknown, attempt.billed - row.spent, row.seq].join();
  // Only an answer that is still to come, or to be recovered, cares whether evidence came first.
  const isLate = attempt.isResolved && (process !== null || journal.length > 0);
  const rest = `${attempt.floating}${isLate ? 'R' : ''}${row.status.charAt(0)}${journal.join()}`;
  const hidden = attempt.hiddenExcess > 0n ? `x${attempt.hiddenExcess}` : '';
  return `${numbers}${rest}${hidden}${process === null ? '' : keyOfProcess(row, process)}`;
}

function keyOfProcess(row: Hold, { holder, mode, waiting, callsLeft, sent }: Process): string {
  const { uncaptured } = holder;
  const calls = waiting.map((call) => (call === 'pending' ? 'p' : `${call}`)).toSorted();
  // A process that is cut off and cannot start another call has beliefs of no consequence.
  const mayAct = row.status === 'open' || (mode === 'sending' && callsLeft > 0);
  if (!mayAct && sent === null) return `(${calls.join('')})`;
  const belief = [holder.amount, holder.seq, holder.inFlightWorst, holder.inFlight].join();
  const owed = [uncaptured.entries, uncaptured.cost, uncaptured.excess].join();
  const command = sent === null ? '' : keyOfSent(sent);
  return `(${belief}/${owed}${mode.charAt(1)}${callsLeft}${calls.join('')}${command})`;
}

function keyOfSent({ command, answer, isFresh }: NonNullable<Process['sent']>): string {
  const detail =
    command.kind === 'capture'
      ? [command.entries, command.cost, command.excess, command.topUp].join()
      : '';
  const answered = answer.kind === 'done' ? answer.hold?.amount : answer.refusal.kind;
  return `${command.kind}${detail}=${answered}${isFresh ? 'f' : ''}`;
}

export function amountOf(value: bigint): PicoUsd {
  return value === 0n ? zero : pico(value);
}

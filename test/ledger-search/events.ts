/** Everything that can happen next: to the provider, to a process, on the wire, in the ledger, by a person. */
import { newAccount } from '#domain/account.ts';
import { type LedgerCommand } from '#domain/ledger.ts';
import { offerCommands } from './commands.ts';
import { amountOf, type Attempt, check, type Config, excessOver } from './model.ts';
import { type Process, settled, type State, Violation } from './model.ts';
import { accountId, at, nameOf, type Offer, replaced, unwatched, type World } from './steps.ts';
import { offerLimit, offerSweep } from './sweep.ts';

export interface Successor {
  readonly label: string;
  /** The next state, or the promise that this event breaks. */
  readonly next: State | Violation;
}

export function initialState({ limit }: Config): State {
  return { account: newAccount(accountId, amountOf(limit)), attempts: [], limitChanged: false };
}

export function successors(world: World, state: State): Successor[] {
  const found: Successor[] = [];
  const offer: Offer = (label, make) => {
    const next = attempted(world, state, make);
    if (next !== null) found.push({ label, next });
  };
  world.config.attempts.forEach((_count, batch) => offerOpen(world, state, batch, offer));
  state.attempts.forEach((attempt, index) => {
    const change: Change = (label, make) => {
      offer(`${nameOf(attempt)} ${label}`, () => replaced(state, index, make()));
    };
    offerProvider(world, attempt, change);
    if (attempt.process !== null) {
      offerProcess(world, attempt, attempt.process, change);
      offerCommands(world, state, { index, attempt, process: attempt.process }, offer);
    }
    offerSweep(world, state, index, offer);
  });
  offerLimit(world, state, offer);
  return found;
}

type Change = (label: string, make: () => Attempt) => void;

/** The state that the event makes, checked and with numbers settled; null where nothing happens. */
function attempted(world: World, state: State, make: () => State | null): State | Violation | null {
  try {
    const made = make();
    if (made === null) return null;
    const next = { ...made, attempts: made.attempts.map(settled) };
    check(world.config, state, next);
    return next;
  } catch (error) {
    // An assertion of the domain is as good as a violation: it is a state that must not be reached.
    return error instanceof Violation ? error : new Violation(String(error));
  }
}

/**
 * A process opens a hold. Its predecessor may be dead, or alive and slow: then it goes on as a zombie. An
 * open whose answer is lost is a crash right after it, and the repetition another open.
 */
function offerOpen({ config, rules }: World, state: State, batch: number, offer: Offer): void {
  const earlier = state.attempts.filter((attempt) => attempt.batch === batch);
  if (earlier.length >= (config.attempts[batch] ?? 0)) return;
  // Answers that earlier attempts journaled are found and not called for again.
  const answered = earlier.reduce((sum, attempt) => sum + attempt.journal.length, 0);
  const missing = config.recordsPerBatch - answered;
  if (missing <= 0) return;
  const command: LedgerCommand = {
    kind: 'open',
    account: accountId,
    batch: 'ab'.charAt(batch),
    wanted: amountOf(config.wanted),
    least: amountOf(config.worst),
    at,
  };
  offer(`a process opens a hold for batch ${command.batch}`, () => {
    const newest = earlier.at(-1)?.row ?? null;
    const { outcome, account, holds } = rules.decide(
      { account: state.account, hold: newest },
      command,
    );
    if (outcome.kind === 'refused' || outcome.hold === null || account === null) return null;
    const attempts = state.attempts.map((attempt) => ({
      ...attempt,
      row: holds.find((hold) => hold.id === attempt.row.id) ?? attempt.row,
    }));
    const process: Process = {
      holder: rules.newHolder(outcome.hold),
      mode: 'sending',
      waiting: [],
      callsLeft: missing + config.extraCalls,
      sent: null,
    };
    return { ...state, account, attempts: [...attempts, newAttempt(batch, outcome.hold, process)] };
  });
}

function newAttempt(batch: number, row: Attempt['row'], process: Process): Attempt {
  return {
    batch,
    row,
    process,
    journal: [],
    floating: 0,
    billed: 0n,
    paid: 0n,
    evidenced: 0n,
    isResolved: false,
    hiddenExcess: 0n,
  };
}

/**
 * The provider bills what it was sent, whether or not anyone still waits. While the hold is open the
 * moment makes no difference that `check` does not cover, so bills without an answer come after its end.
 */
function offerProvider({ config }: World, attempt: Attempt, change: Change): void {
  const { process, floating } = attempt;
  if (attempt.row.status === 'open') return;
  const index = process?.waiting.indexOf('pending') ?? -1;
  for (const cost of config.costs) {
    if (process !== null && index >= 0) {
      change(`is billed ${cost} for a call and has the answer in memory`, () => ({
        ...attempt,
        billed: attempt.billed + cost,
        process: { ...process, waiting: process.waiting.with(index, cost) },
      }));
    }
    if (floating > 0 && process === null) {
      change(`is billed ${cost} late, for a call that nobody waits for`, () => ({
        ...attempt,
        floating: floating - 1,
        billed: attempt.billed + cost,
        hiddenExcess: attempt.hiddenExcess + excessOver(config.worst, cost),
      }));
    }
  }
  if (floating > 0 && process === null) {
    change('is never billed for a call that nobody waits for', () => ({
      ...attempt,
      floating: floating - 1,
    }));
  }
}

/** What a process does by itself. Until it learns otherwise it believes that its hold is open. */
function offerProcess(world: World, attempt: Attempt, process: Process, change: Change): void {
  const { config, rules } = world;
  const worst = amountOf(config.worst);
  const { holder, waiting } = process;
  const become = (next: Partial<Process>, rest: Partial<Attempt> = {}): Attempt => ({
    ...attempt,
    ...rest,
    process: { ...process, ...next },
  });
  change('crashes', () => gone(config, attempt, process));
  if (process.mode === 'sending' && process.callsLeft > 0 && rules.mayStartDuring(process.sent)) {
    const believing = rules.believed(holder, attempt.row, attempt.journal);
    if (rules.mayStart(believing, worst)) {
      change('starts a call', () =>
        become({
          holder: rules.started(believing, worst),
          waiting: [...waiting, 'pending'],
          callsLeft: process.callsLeft - 1,
        }),
      );
    }
  }
  if (process.mode === 'sending' && attempt.row.status === 'abandoned') {
    change('sleeps past the age at which it may still send', () =>
      become({
        mode: 'fenced',
        sent: process.sent === null ? null : { ...process.sent, isFresh: false },
      }),
    );
  }
  for (const call of new Set(waiting)) {
    const rest = waiting.toSpliced(waiting.indexOf(call), 1);
    for (const cost of call === 'pending' ? config.costs : [call]) {
      change(`journals an answer that cost ${cost}`, () =>
        become(
          { holder: rules.journaled(holder, worst, amountOf(cost)), waiting: rest },
          {
            journal: [...attempt.journal, cost],
            billed: attempt.billed + (call === 'pending' ? cost : 0n),
          },
        ),
      );
    }
    if (call === 'pending') {
      change('is told that a call was refused', () =>
        become({ holder: rules.notBilled(holder, worst), waiting: rest }),
      );
    }
  }
}

function gone(config: Config, attempt: Attempt, process: Process): Attempt {
  return unwatched(config, { ...attempt, process: null }, process.waiting);
}

/** What a holder tells the ledger: one command at a time, lost answers and refusals included. */
import type { Holder } from '#domain/budget.ts';
import type { LedgerCommand } from '#domain/ledger.ts';
import { amountOf, type Attempt, type Process, type State } from './model.ts';
import { Violation, type WaitedFor } from './model.ts';
import type { Rules } from './rules.ts';
import { applyTo, at, nameOf, type Offer, replaced, type Sent } from './steps.ts';
import { unwatched, type World } from './steps.ts';

interface Sender {
  readonly index: number;
  readonly attempt: Attempt;
  readonly process: Process;
}

/** One command at a time: sent and applied, then heard of, or repeated where the answer was lost. */
export function offerCommands(world: World, state: State, sender: Sender, offer: Offer): void {
  const { config, rules } = world;
  const { attempt, process } = sender;
  const { holder, sent } = process;
  const name = nameOf(attempt);
  if (sent !== null) {
    const command = rules.repeated(holder, sent.command);
    const { kind } = sent.command;
    offer(`${name} hears that its ${kind} is applied`, () =>
      replaced(state, sender.index, heard(world, attempt, process, sent)),
    );
    offer(`${name} hears nothing and repeats its ${kind}`, () =>
      sentAgain(world, state, sender, { ...sent, command }),
    );
    return;
  }
  if (process.mode === 'stopped') return;
  const send = (label: string, command: LedgerCommand): void => {
    offer(`${name} ${label}`, () => sentFirst(world, state, sender, command));
  };
  const worst = amountOf(config.worst);
  const needsMore = process.callsLeft > 0 && !rules.mayStart(holder, worst);
  if (holder.uncaptured.entries > 0) send('captures', rules.captureCommand(holder, amountOf(0n)));
  if (needsMore) send('captures with a top-up', rules.captureCommand(holder, worst));
  const close = closeOrNull(rules, holder);
  if (close !== null) send('closes', close);
  for (const call of new Set(process.waiting)) {
    const what = call === 'pending' ? 'a call without an answer' : `an answer, billed ${call}`;
    offer(`${name} gives up on ${what}`, () => givenUp(world, state, sender, call));
  }
}

/** An answer does not come: it was lost, or it is only late, or the call was never billed. */
function givenUp(world: World, state: State, sender: Sender, call: WaitedFor): State {
  const { config, rules } = world;
  const { attempt, process, index } = sender;
  const worst = amountOf(config.worst);
  const waiting = process.waiting.toSpliced(process.waiting.indexOf(call), 1);
  const without = { ...process, waiting };
  if (rules.released !== null) {
    const holder = rules.released(process.holder, worst);
    return replaced(
      state,
      index,
      unwatched(config, { ...attempt, process: { ...without, holder } }, [call]),
    );
  }
  const next = unwatched(config, { ...attempt, process: without }, [call]);
  const command = rules.shelveCommand(process.holder, worst);
  return sentFirst(
    world,
    replaced(state, index, next),
    { index, attempt: next, process: without },
    command,
  );
}

function sentFirst(world: World, state: State, sender: Sender, command: LedgerCommand): State {
  return arrived(world, state, sender, { command, isFresh: true });
}

/** A repetition is sent later, and yet proves no more than the first sending did. */
function sentAgain(world: World, state: State, sender: Sender, sent: Sent): State {
  return arrived(world, state, sender, sent);
}

/**
 * The command arrives. That a refusal is heard at once loses nothing: a process that has not heard of it
 * yet does what one does that has not sent yet.
 */
function arrived(
  world: World,
  state: State,
  { index, attempt, process }: Sender,
  { command, isFresh }: Pick<Sent, 'command' | 'isFresh'>,
): State {
  const { outcome, state: after } = applyTo(world.rules, state, index, command);
  const sent = { command, answer: outcome, isFresh };
  const changed = after.attempts[index] ?? attempt;
  const next =
    outcome.kind === 'refused'
      ? heard(world, changed, process, sent)
      : { ...changed, process: { ...process, sent } };
  return replaced(after, index, next);
}

function heard({ rules }: World, attempt: Attempt, process: Process, sent: Sent): Attempt {
  const { answer, command } = sent;
  if (answer.kind === 'refused') {
    const isAbandoned =
      answer.refusal.kind === 'hold-not-open' && attempt.row.status === 'abandoned';
    if (!isAbandoned) throw new Violation(`an owner's command is refused: ${answer.refusal.kind}`);
    return { ...attempt, process: { ...process, mode: 'stopped', sent: null } };
  }
  if (answer.hold === null || command.kind === 'close') return { ...attempt, process: null };
  let { holder } = process;
  if (command.kind === 'capture') holder = rules.afterCapture(holder, command, answer.hold);
  if (command.kind === 'shelve') holder = rules.afterShelve(holder, command, answer.hold);
  const mode = rules.provesHold(sent) ? 'sending' : process.mode;
  return { ...attempt, process: { ...process, holder, mode, sent: null } };
}

/** The domain asserts that a hold is not closed too early: there the event is not offered. */
function closeOrNull(rules: Rules, holder: Holder): LedgerCommand | null {
  try {
    return rules.closeCommand(holder, at);
  } catch {
    return null;
  }
}

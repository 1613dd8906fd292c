/** Wrong versions of the rules, each a mistake that somebody could make. The search must catch every one. */
import * as budget from '#domain/budget.ts';
import { type Account, committed, type Hold } from '#domain/account.ts';
import { decide } from '#domain/ledger.ts';
import type { LedgerCommand, LedgerDecision, LedgerRows } from '#domain/ledger.ts';
import { add, larger, type PicoUsd, subtract, zero } from '#domain/money.ts';
import { breach, oneByThree, twoByTwo } from './configs.ts';
import type { Config } from './model.ts';
import { canNeverSend, isProviderDone, isRecovered, realRules, type Rules } from './rules.ts';

export interface Mutant {
  readonly name: string;
  readonly mistake: string;
  /** Where it shows; the smallest configuration that has the events it needs. */
  readonly config: Config;
  readonly rules: Rules;
}

type Kind = LedgerCommand['kind'];
type Command<K extends Kind> = Extract<LedgerCommand, { kind: K }>;

export const mutants: readonly Mutant[] = [
  // Of the ledger.
  ledger('abandon-releases', 'abandoning hands the held money back', 'abandon', (rows) =>
    edited(rows, decide(rows, rows.command), (account, hold) => [
      moved(account, 'unknown', 'available', rows.hold?.amount),
      { ...hold, unknown: rows.hold?.unknown ?? zero },
    ]),
  ),
  ledger('open-releases', 'a new attempt hands its predecessor’s money back', 'open', (rows) => {
    const { account, hold } = rows;
    if (hold?.status !== 'open' || account === null) return decide(rows, rows.command);
    const closed: Hold = { ...hold, status: 'closed', amount: zero };
    const freed = moved(account, 'held', 'available', hold.amount);
    const decision = decide({ account: freed, hold: closed }, rows.command);
    return { ...decision, holds: decision.holds.length === 0 ? [] : [closed, ...decision.holds] };
  }),
  ledger('open-forgets-predecessor', 'a new attempt leaves the old hold open', 'open', (rows) => {
    const ended = rows.hold && { ...rows.hold, status: 'closed' as const, amount: zero };
    return decide({ ...rows, hold: ended }, rows.command);
  }),
  ledger('open-grants-too-much', 'a hold gets what it wants, available or not', 'open', (rows) => {
    const missing = subtract(rows.command.wanted, rows.account?.available ?? zero);
    const decision = decide(rows, rows.command);
    if (missing <= 0n) return decision;
    return edited(rows, decision, (account, hold) => [
      moved(account, 'available', 'held', missing),
      { ...hold, amount: add(hold.amount, missing) },
    ]);
  }),
  ledger('capture-twice', 'a repeated capture is applied again', 'capture', (rows) => {
    const { hold, command } = rows;
    const isRepeated = hold?.status === 'open' && hold.seq === command.seq;
    return decide(isRepeated ? { ...rows, hold: { ...hold, seq: hold.seq - 1 } } : rows, command);
  }),
  ledger('zombie-top-up', 'an abandoned hold is still topped up', 'capture', (rows) => {
    const { hold, command } = rows;
    if (hold?.status !== 'abandoned') return decide(rows, command);
    return decide({ ...rows, hold: { ...hold, status: 'open' } }, command);
  }),
  ledger('top-up-too-much', 'a top-up is granted, available or not', 'capture', (rows) => {
    const decision = decide(rows, rows.command);
    const missing = subtract(rows.command.topUp, rows.account?.available ?? zero);
    if (missing <= 0n) return decision;
    return edited(rows, decision, (account, hold) => [
      moved(account, 'available', 'held', missing),
      { ...hold, amount: add(hold.amount, missing) },
    ]);
  }),
  ledger('shelve-releases', 'a call without an answer is taken as free', 'shelve', (rows) =>
    edited(rows, decide(rows, rows.command), (account, hold) => [
      moved(account, 'unknown', 'available', rows.command.worst),
      { ...hold, unknown: subtract(hold.unknown, rows.command.worst) },
    ]),
  ),
  ledger('close-releases-unknown', 'closing hands shelved money back too', 'close', (rows) =>
    edited(rows, decide(rows, rows.command), (account, hold) => [
      moved(account, 'unknown', 'available', hold.unknown),
      { ...hold, unknown: zero },
    ]),
  ),
  ledger('recover-without-cursor', 'a recovery does not check the cursor', 'recover', (rows) =>
    decide(rows, { ...rows.command, from: rows.hold?.captured ?? 0 }),
  ),
  ledger('recover-open-hold', 'entries of an open hold are recovered', 'recover', (rows) => {
    const { hold, command } = rows;
    if (hold?.status !== 'open') return decide(rows, command);
    const ended: Hold = { ...hold, status: 'abandoned', amount: zero };
    return edited(rows, decide({ ...rows, hold: ended }, command), (account, after) => [
      account,
      { ...after, status: 'open', amount: hold.amount },
    ]);
  }),
  ledger(
    'recover-above-unknown',
    'a recovery takes money that was handed back',
    'recover',
    (rows) => {
      const { account, hold, command } = rows;
      const missing = subtract(command.cost, hold?.unknown ?? zero);
      if (account === null || hold?.status !== 'abandoned' || missing <= 0n)
        return decide(rows, command);
      const lent = { ...account, available: subtract(account.available, missing) };
      const rich = { ...hold, unknown: add(hold.unknown, missing) };
      const owing = { ...lent, unknown: add(account.unknown, missing), status: 'frozen' as const };
      return decide({ account: owing, hold: rich }, command);
    },
  ),
  ledger('resolve-without-evidence', 'silence is taken as evidence', 'resolve', (rows) =>
    decide(rows, { ...rows.command, evidence: rows.command.evidence || 'none' }),
  ),
  ledger(
    'limit-below-committed',
    'a limit is lowered below what is committed',
    'set-limit',
    (rows) => {
      const { account, command } = rows;
      if (account === null) return decide(rows, command);
      const available = subtract(command.limit, committed(account));
      const next = { ...account, limit: command.limit, available };
      return { outcome: { kind: 'done', account: next, hold: null }, account: next, holds: [] };
    },
  ),
  {
    ...ledger(
      'excess-swallowed',
      'what is above the worst case is not counted',
      'capture',
      (rows) => {
        const { command } = rows;
        const cost = subtract(command.cost, command.excess);
        return decide(rows, { ...command, cost, excess: zero });
      },
    ),
    config: breach,
  },
  {
    ...ledger('frozen-opens', 'a frozen account opens holds', 'open', (rows) =>
      decide(
        { ...rows, account: rows.account && { ...rows.account, status: 'active' } },
        rows.command,
      ),
    ),
    config: breach,
  },
  {
    ...ledger('evidence-refused', 'evidence above the worst case is refused', 'resolve', (rows) => {
      const { hold, command } = rows;
      if (hold === null || command.billed <= hold.unknown) return decide(rows, command);
      const refusal = {
        kind: 'above-unknown',
        unknown: hold.unknown,
        seen: command.billed,
      } as const;
      return { outcome: { kind: 'refused', refusal }, account: null, holds: [] };
    }),
    config: breach,
  },

  // Of the holder.
  holder('starts-without-headroom', 'a call is started whatever the hold', {
    mayStart: () => true,
    started: startedUnchecked,
  }),
  holder('uncaptured-not-counted', 'answers not yet paid for are not counted', {
    mayStart: (each, worst) => add(each.inFlightWorst, worst) <= each.amount,
    started: startedUnchecked,
  }),
  holder('in-flight-not-counted', 'calls on the wire are not counted', {
    mayStart: (each, worst) => add(each.uncaptured.cost, worst) <= each.amount,
    started: startedUnchecked,
  }),
  holder('release-on-time-out', 'a call without an answer is taken as not billed', {
    released: budget.notBilled,
  }),
  holder('shared-cursor', 'the holder believes the cursor in the ledger’s row', {
    believed: (each, _row, journal) => {
      const entries = Math.min(each.uncaptured.entries, journal.length);
      const cost = journal
        .slice(journal.length - entries)
        .reduce<bigint>((sum, one) => sum + one, 0n);
      return {
        ...each,
        uncaptured: { ...each.uncaptured, entries, cost: add(zero, cost as PicoUsd) },
      };
    },
  }),
  holder('closes-in-flight', 'a hold is closed with calls on the wire', {
    closeCommand: (each, at) => budget.closeCommand({ ...each, inFlight: 0 }, at),
  }),
  holder('closes-unpaid', 'a hold is closed with answers not paid for', {
    closeCommand: (each, at) =>
      budget.closeCommand({ ...each, uncaptured: { ...each.uncaptured, entries: 0 } }, at),
  }),
  holder('starts-while-closing', 'a call is started while the close is under way', {
    mayStartDuring: () => true,
  }),
  holder('believes-top-up', 'the holder counts on the top-up it asked for', {
    afterCapture: (each, command, hold) => ({
      ...budget.afterCapture(each, command, hold),
      amount: add(subtract(each.amount, command.cost), command.topUp),
    }),
  }),
  holder('forgets-meanwhile', 'answers journaled during a capture are taken as paid', {
    afterCapture: (each, command, hold) => ({
      ...budget.afterCapture(each, command, hold),
      uncaptured: { entries: 0, cost: zero, excess: zero },
    }),
  }),
  holder('rebuilds-repetition', 'a lost command is sent again with newer content', {
    repeated: (each, command) =>
      command.kind === 'capture' ? budget.captureCommand(each, command.topUp) : command,
  }),
  holder('charges-worst', 'an answer is charged at what it could cost', {
    journaled: (each, worst) => budget.journaled(each, worst, worst),
  }),
  holder('shelve-keeps-number', 'the command after a shelve carries its number again', {
    afterShelve: (each, command, hold) => ({
      ...budget.afterShelve(each, command, hold),
      seq: each.seq,
    }),
  }),
  holder('resolves-before-fence', 'evidence is used while a zombie can still send', {
    mayResolve: (attempt) => isProviderDone(attempt) && isRecovered(attempt),
  }),
  holder('resolves-before-bill', 'evidence is used while a bill can still come', {
    mayResolve: (attempt) => canNeverSend(attempt) && isRecovered(attempt),
  }),
  holder('fence-from-answer', 'a command’s age is counted from its answer', {
    provesHold: () => true,
  }),
];

function ledger<K extends Kind>(
  name: string,
  mistake: string,
  kind: K,
  wrong: (rows: LedgerRows & { command: Command<K> }) => LedgerDecision,
): Mutant {
  const isMeant = (command: LedgerCommand): command is Command<K> => command.kind === kind;
  const rules: Rules = {
    ...realRules,
    decide: (rows, command) =>
      isMeant(command) ? wrong({ ...rows, command }) : decide(rows, command),
  };
  return { name, mistake, config: kind === 'set-limit' ? oneByThree : twoByTwo, rules };
}

function holder(name: string, mistake: string, wrong: Partial<Rules>): Mutant {
  return { name, mistake, config: twoByTwo, rules: { ...realRules, ...wrong } };
}

/** The decision with other rows than it made; a refusal or a repetition stays as it is. */
function edited(
  rows: LedgerRows,
  decision: LedgerDecision,
  change: (account: Account, hold: Hold) => [Account, Hold],
): LedgerDecision {
  const hold = decision.holds.at(-1);
  if (decision.account === null || hold === undefined || rows.account === null) return decision;
  const [account, next] = change(decision.account, hold);
  const holds = [...decision.holds.slice(0, -1), next];
  return { outcome: { kind: 'done', account, hold: next }, account, holds };
}

type Part = 'available' | 'held' | 'unknown';

function moved(account: Account, from: Part, to: Part, amount: PicoUsd = zero): Account {
  const taken = { ...account, [from]: subtract(account[from], amount) };
  return { ...taken, [to]: add(taken[to], amount) };
}

function startedUnchecked(each: budget.Holder, worst: PicoUsd): budget.Holder {
  const amount = larger(each.amount, add(each.inFlightWorst, each.uncaptured.cost, worst));
  return { ...budget.started({ ...each, amount }, worst), amount: each.amount };
}

/** Watches every bill and every row of the ledger while a run goes on, and says what must never be. */
import { type Account, type Hold, holdId } from '#domain/account.ts';
import { add, type PicoUsd, pico, zero } from '#domain/money.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Bill } from './provider.ts';
import { jobId } from './workload.ts';

/** What a run must keep: the guarantee, and how it was broken. */
export interface Violation {
  readonly rule: 'limit' | 'paid-again' | 'counts' | 'same-bytes' | 'liveness' | 'exact' | 'fired';
  readonly detail: string;
}

/** Why an answer that was billed may be paid for again. */
export type Excuse =
  | 'lost-by-provider'
  | 'in-flight-at-stop'
  | 'given-up'
  | 'journal-fault'
  | 'damaged';

export interface Judge {
  readonly violations: Violation[];
  blame(rule: Violation['rule'], detail: string): void;
  billed(bill: Bill): void;
  /** The ledger changed. */
  changed(hold: string | null): void;
  sent(hold: string, call: string, worker: string): void;
  durable(hold: string, call: string): void;
  /** The provider refused it: there is nothing to lose. */
  refused(hold: string, call: string): void;
  excuse(hold: string, call: string, why: Excuse): void;
  /** An append was rejected: what was sent before and is not durable may be lost with it. */
  journalFailed(hold: string): void;
  /** Killed or frozen: what it had in flight may be paid again. */
  stopped(worker: string): void;
  /** Two attempts at the batch were alive together. */
  overlapped(batch: string): void;
  billOf(hold: string): PicoUsd;
  readonly bills: readonly Bill[];
  total(): PicoUsd;
  excess(): PicoUsd;
  excuseOf(hold: string, call: string): Excuse | null;
  isOverlapped(batch: string): boolean;
}

interface SentCall {
  readonly worker: string;
  isDurable: boolean;
  excuse: Excuse | null;
}

export function createJudge(store: MemoryStore): Judge {
  const violations: Violation[] = [];
  const bills: Bill[] = [];
  const byHold = new Map<string, { cost: PicoUsd; excess: PicoUsd }>();
  const calls = new Map<string, SentCall>();
  const overlaps = new Set<string>();
  let total = zero;
  let excess = zero;

  function blame(rule: Violation['rule'], detail: string): void {
    // The first of a kind explains the others.
    if (!violations.some((seen) => seen.rule === rule)) violations.push({ rule, detail });
  }

  function look(holdId: string | null): void {
    const account = store.accounts.get(jobId);
    if (account === undefined) return;
    const counted = add(account.spent, account.held, account.unknown);
    if (total - excess > counted) blame('limit', `${total} billed, ${text(account)}`);
    if (counted - excess > account.limit) blame('limit', `above the limit: ${text(account)}`);
    const hold = holdId === null ? undefined : store.holds.get(holdId);
    if (hold !== undefined) lookAtHold(hold);
  }

  function lookAtHold(hold: Hold): void {
    const { cost, excess: beyond } = byHold.get(hold.id) ?? { cost: zero, excess: zero };
    const covered = add(hold.spent, hold.unknown, hold.amount);
    if (cost - beyond > covered) {
      blame('limit', `hold ${hold.id}: ${cost} billed, ${covered} covered (${hold.status})`);
    }
    if (hold.spent > cost) {
      blame('exact', `hold ${hold.id}: ${hold.spent} spent, ${cost} billed`);
    }
  }

  function billed(bill: Bill): void {
    bills.push(bill);
    total = add(total, bill.cost);
    excess = add(excess, bill.excess);
    const before = byHold.get(bill.hold) ?? { cost: zero, excess: zero };
    byHold.set(bill.hold, {
      cost: add(before.cost, bill.cost),
      excess: add(before.excess, bill.excess),
    });
    if (bill.isLost) its.excuse(bill.hold, bill.call, 'lost-by-provider');
    look(bill.hold);
  }

  const its: Judge = {
    violations,
    bills,
    blame,
    billed,
    changed: look,
    sent(hold, call, worker) {
      calls.set(`${hold}/${call}`, { worker, isDurable: false, excuse: null });
    },
    durable(hold, call) {
      const sent = calls.get(`${hold}/${call}`);
      if (sent !== undefined) sent.isDurable = true;
    },
    refused: (hold, call) => void calls.delete(`${hold}/${call}`),
    excuse(hold, call, why) {
      const sent = calls.get(`${hold}/${call}`);
      if (sent !== undefined) sent.excuse ??= why;
    },
    journalFailed(hold) {
      for (const [key, sent] of calls) {
        if (key.startsWith(`${hold}/`) && !sent.isDurable) sent.excuse ??= 'journal-fault';
      }
    },
    stopped(worker) {
      let inFlight = 0;
      for (const sent of calls.values()) {
        if (sent.worker !== worker || sent.isDurable || sent.excuse !== null) continue;
        sent.excuse = 'in-flight-at-stop';
        inFlight += 1;
      }
      // Attempts that were replaced bring calls of their own, inside their holds.
      if (overlaps.size === 0 && inFlight > store.workload.plan.concurrency) {
        blame(
          'paid-again',
          `${inFlight} calls at once had no durable answer when ${worker} stopped`,
        );
      }
    },
    overlapped: (batch) => void overlaps.add(batch),
    billOf: (hold) => byHold.get(hold)?.cost ?? zero,
    total: () => total,
    excess: () => excess,
    excuseOf: (hold, call) => calls.get(`${hold}/${call}`)?.excuse ?? null,
    isOverlapped: (batch) => overlaps.has(batch),
  };
  return its;
}

function text({ limit, available, held, unknown, spent }: Account): string {
  return `limit ${limit}, available ${available}, held ${held}, unknown ${unknown}, spent ${spent}`;
}

/** At the end, with no call left anywhere: holds add up to the account, and known money is exact. */
export function judgeBooks(judge: Judge, store: MemoryStore): void {
  const account = store.accounts.get(jobId);
  if (account === undefined) return;
  const sum = { held: 0n, unknown: 0n, spent: 0n };
  for (const hold of store.holds.values()) {
    sum.held += hold.amount;
    sum.unknown += hold.unknown;
    sum.spent += hold.spent;
    judge.changed(hold.id);
    if (hold.unknown === zero && hold.spent !== judge.billOf(hold.id)) {
      judge.blame('exact', `hold ${hold.id}: ${hold.spent} spent, ${judge.billOf(hold.id)} billed`);
    }
  }
  for (const field of ['held', 'unknown', 'spent'] as const) {
    if (sum[field] !== account[field]) {
      judge.blame('exact', `holds have ${sum[field]} ${field}, the account ${account[field]}`);
    }
  }
  if (account.unknown === pico(0n) && account.spent !== judge.total()) {
    judge.blame('exact', `${judge.total()} billed, nothing unknown, ${text(account)}`);
  }
}

/** Every bill is the first durable answer to its question, or has an excuse. */
export function judgePaidAgain(judge: Judge, store: MemoryStore): void {
  const questions = new Map<string, string>();
  const found = new Map<string, { question: string; batch: string }>();
  for (const { batch, ordinal, entries } of store.attemptsOf()) {
    const hold = holdId(jobId, batch, ordinal);
    for (const entry of entries) {
      if (entry === 'corrupt') continue;
      const question = `${entry.record}/${entry.step}/${entry.try}/${entry.promptSha256}`;
      const key = `${hold}/${entry.call}`;
      if (found.has(key)) judge.blame('paid-again', `call ${key} stands twice in the journal`);
      found.set(key, { question, batch });
      // An answer with an excuse may have become durable after the next attempt had looked for it.
      if (!questions.has(question) && judge.excuseOf(hold, entry.call) === null) {
        questions.set(question, key);
      }
    }
  }
  for (const { hold, call } of judge.bills) {
    const key = `${hold}/${call}`;
    const entry = found.get(key);
    if (judge.excuseOf(hold, call) !== null) continue;
    if (entry === undefined) {
      judge.blame('paid-again', `call ${key} was answered and paid, and is not in the journal`);
    } else if (questions.get(entry.question) !== key && !judge.isOverlapped(entry.batch)) {
      const first = questions.get(entry.question);
      judge.blame('paid-again', `call ${key} asks again what ${first} had answered`);
    }
  }
}

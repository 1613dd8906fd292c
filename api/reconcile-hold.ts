/** Resolves one hold's unknown money: recovers its journal, keeps the evidence, then tells the ledger. */
import type { Account, Hold } from '#domain/account.ts';
import { assert } from '#domain/assert.ts';
import { add, type PicoUsd, smaller, subtract, zero } from '#domain/money.ts';
import {
  type JournaledCall,
  type Kept,
  type LogReach,
  type Resolution,
  recoveryOf,
  resolutionOf,
  unexplained,
} from '#domain/reconcile.ts';
import type { Store } from '#store/contract.ts';
import type { HoldInLog } from './read-log.ts';

export interface HoldResult {
  readonly hold: string;
  /** Paid for durable answers that nobody had paid for yet. */
  readonly recovered: PicoUsd;
  readonly billed: PicoUsd;
  readonly released: PicoUsd;
  /** What is unknown still. */
  readonly unknown: PicoUsd;
  /** Calls that the log shows and the journal does not. */
  readonly unanswered: number;
  readonly kept: Kept | 'late-answer' | 'busy' | null;
  /** What was billed above all that was unknown: a call cost more than its worst case. */
  readonly excess: PicoUsd;
}

export interface HoldSearch {
  readonly id: string;
  readonly inLog: HoldInLog;
  readonly reach: Omit<LogReach, 'unpriced'>;
}

/** Each try that fails lost a race against another writer of the same hold; only a handful can be about. */
const triesMax = 10;

/**
 * The order is what makes this safe beside zombies and other reconciliations. What is billed by evidence
 * was durable before the journal was read, and whoever recovers an answer reads the evidence after the
 * journal, here too: of the two at least one sees the other, so no call is paid twice. A crash after any
 * step leaves what the next run continues from, because money moves by totals.
 */
export async function reconcileHold(store: Store, search: HoldSearch): Promise<HoldResult> {
  const { id, inLog, reach } = search;
  const logged = new Set(inLog.calls.map(({ call }) => call));
  let recovered = zero;
  for (let tries = 1; ; tries += 1) {
    const { entries: before } = await load(store, id);
    const evidence = await store.evidence.add(id, unexplained(before, inLog.calls));
    const { hold, entries } = await load(store, id);
    const outcome = () => ({ hold: id, recovered, unanswered: unanswered(entries, logged) });
    if (tries > triesMax) return { ...outcome(), ...unmoved(hold, 'busy') };
    const recovery = recoveryOf(hold, entries, await store.evidence.read(id));
    if (recovery !== null) {
      const answer = await store.ledger.execute(recovery);
      if (answer.kind === 'done') recovered = add(recovered, recovery.cost);
      else if (answer.refusal.kind === 'above-unknown') {
        return { ...outcome(), ...unmoved(hold, 'late-answer') };
      }
      continue;
    }
    const facts = { hold, entries, evidence, logged };
    const resolution = resolutionOf({ ...facts, reach: { ...reach, unpriced: inLog.unpriced } });
    if (resolution.billed + resolution.released === 0n) {
      return { ...outcome(), ...unmoved(hold, resolution.kept) };
    }
    const account = await resolve(store, hold, resolution, evidenceText(evidence.length, reach));
    if (account !== null) return { ...outcome(), ...moved(hold, resolution) };
  }
}

/** The journal before the ledger: the cursor then covers every entry that was paid for by then. */
async function load(
  store: Store,
  id: string,
): Promise<{ readonly hold: Hold; readonly entries: readonly JournaledCall[] }> {
  const [jobId = '', batch = '', ordinal = ''] = id.split('/');
  const attempts = await store.journal.read(jobId, batch);
  const entries = attempts.find((attempt) => String(attempt.ordinal) === ordinal)?.entries ?? [];
  const hold = (await store.ledger.holdsOfBatch(jobId, batch)).find((its) => its.id === id);
  assert(hold !== undefined, `hold ${id} has gone from the ledger`);
  return { hold, entries };
}

/** The account afterwards; null when somebody else moved the hold's unknown money first. */
async function resolve(
  store: Store,
  hold: Hold,
  { billed, released }: Resolution,
  evidence: string,
): Promise<Account | null> {
  const expected = hold.unknown;
  const command = { kind: 'resolve' as const, hold: hold.id, expected, billed, released, evidence };
  const outcome = await store.ledger.execute(command);
  return outcome.kind === 'done' ? outcome.account : null;
}

function evidenceText(calls: number, { completeUntil }: HoldSearch['reach']): string {
  const reach = completeUntil === null ? 'of open end' : `complete until ${completeUntil}`;
  return `${calls} unanswered requests in the provider's log, ${reach}`;
}

function unanswered(entries: readonly JournaledCall[], logged: ReadonlySet<string>): number {
  const answered = new Set(entries.flatMap((entry) => (entry === 'corrupt' ? [] : [entry.call])));
  return [...logged].filter((call) => !answered.has(call)).length;
}

function unmoved({ unknown }: Hold, kept: HoldResult['kept']) {
  return { billed: zero, released: zero, unknown, kept, excess: zero };
}

function moved({ unknown }: Hold, { billed, released, kept }: Resolution) {
  const fromUnknown = smaller(add(billed, released), unknown);
  const excess = subtract(add(billed, released), fromUnknown);
  return { billed, released, unknown: subtract(unknown, fromUnknown), kept, excess };
}

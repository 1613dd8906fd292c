/**
 * What a hold's unknown money turns into, by the provider's own log of its calls (design section 4).
 * Everything is decided from totals: what the hold's calls cost by journal and evidence together, less
 * what is spent already. So the answer is the same however often it is asked, and in whatever order
 * answers and evidence came to be known.
 */
import type { Hold } from './account.ts';
import { excessOf } from './budget.ts';
import type { LedgerCommand } from './ledger.ts';
import { add, larger, type PicoUsd, pico, subtract, zero } from './money.ts';

/** One billed request, as the provider's log has it, with its price. */
export interface LoggedCall {
  readonly call: string;
  /** Unique per request: a call that reached the provider twice was billed twice. */
  readonly requestId: string;
  readonly cost: PicoUsd;
}

/** What matters here of a durable answer; `corrupt` keeps the place of one that cannot be read. */
export type JournaledCall =
  | {
      readonly call: string;
      readonly requestId: string;
      /** Integers of pUSD as text. */
      readonly cost: string;
      readonly worst: string;
    }
  | 'corrupt';

/**
 * How far past the end of a hold a log must reach before a call that it lacks was certainly not billed.
 * A request is written at most 60 s after the holder's last confirmation, and its signature is refused
 * when it is 5 minutes old, in some services 15; the rest is for clocks that differ.
 */
export const evidenceDelayMs = 20 * 60_000;

/** Stands in the store once a worker has called for this job without a dated signature. */
export function unsignedKey(jobId: string): string {
  return `unsigned/${jobId}`;
}

/** The command that pays for durable answers behind an abandoned hold's cursor; null when there are none. */
export function recoveryOf(
  hold: Hold,
  entries: readonly JournaledCall[],
  evidence: readonly LoggedCall[],
): Extract<LedgerCommand, { kind: 'recover' }> | null {
  if (hold.status !== 'abandoned' || entries.length <= hold.captured) return null;
  const resolved = new Set(evidence.map(({ call }) => call));
  let cost = zero;
  let excess = zero;
  const unpaid = entries.slice(hold.captured);
  for (const entry of unpaid) {
    // A corrupt one's cost cannot be read: it stays in the unknown money, where the abandonment put it.
    // One that the log told of first is paid from its evidence: paid here too, it would count twice.
    if (entry === 'corrupt' || resolved.has(entry.call)) continue;
    const its = pico(BigInt(entry.cost));
    cost = add(cost, its);
    excess = add(excess, excessOf(its, pico(BigInt(entry.worst))));
  }
  const { id, captured: from } = hold;
  return { kind: 'recover', hold: id, from, entries: unpaid.length, cost, excess };
}

/** The logged requests that the journal's answers do not explain: what has to be kept as evidence. */
export function unexplained(
  entries: readonly JournaledCall[],
  logged: readonly LoggedCall[],
): LoggedCall[] {
  const answered = answersByCall(entries);
  const byCall = Map.groupBy(logged, ({ call }) => call);
  return [...byCall].flatMap(([call, requests]) =>
    answered.has(call) && requests.length === 1 ? [] : requests,
  );
}

/** What is known of the log beside the calls that it shows. */
export interface LogReach {
  /** RFC 3339: every request billed until then is in the log, by the word of who can know; else null. */
  readonly completeUntil: string | null;
  /** Lines that cannot be read: any of them may be the call that seems to be absent. */
  readonly brokenLines: number;
  /** Calls of this hold in the log whose cost cannot be told. */
  readonly unpriced: number;
  /** Whether every request of the job carried a dated signature. */
  readonly isSigned: boolean;
}

/** Why unknown money was left unknown. */
export type Kept =
  | 'log-not-complete'
  | 'log-has-broken-lines'
  | 'log-lacks-answers'
  | 'call-unpriced'
  | 'not-signed';

export interface Resolution {
  readonly billed: PicoUsd;
  readonly released: PicoUsd;
  /** Null when nothing is left unknown. */
  readonly kept: Kept | null;
}

export interface HoldEvidence {
  readonly hold: Hold;
  /** The whole journal of the hold's attempt, behind which the hold's cursor is not. */
  readonly entries: readonly JournaledCall[];
  /** Everything that any log ever said of the hold's unanswered calls. */
  readonly evidence: readonly LoggedCall[];
  /** Every call of the hold in the log that is read now. */
  readonly logged: ReadonlySet<string>;
  readonly reach: LogReach;
}

/**
 * How much of an ended hold's unknown money was billed, and how much comes back. Billed above what is
 * unknown means that a call cost more than its worst case: nothing comes back then.
 */
export function resolutionOf(its: HoldEvidence): Resolution {
  const { unknown, spent } = its.hold;
  const owed = larger(subtract(costOfCalls(its.entries, its.evidence), spent), zero);
  const rest = larger(subtract(unknown, owed), zero);
  if (rest === zero) return { billed: owed, released: zero, kept: null };
  const kept = whyKept(its);
  return { billed: owed, released: kept === null ? rest : zero, kept };
}

function whyKept({ hold, entries, logged, reach }: HoldEvidence): Kept | null {
  if (!reach.isSigned) return 'not-signed';
  if (reach.completeUntil === null || hold.endedAt === null) return 'log-not-complete';
  if (Date.parse(reach.completeUntil) < Date.parse(hold.endedAt) + evidenceDelayMs) {
    return 'log-not-complete';
  }
  if (reach.brokenLines > 0) return 'log-has-broken-lines';
  if (reach.unpriced > 0) return 'call-unpriced';
  // Answers that we have are calls that the log must have: one that lacks them lacks others too.
  const isWitness = (entry: JournaledCall) => entry === 'corrupt' || logged.has(entry.call);
  return entries.every(isWitness) ? null : 'log-lacks-answers';
}

/** What the hold's calls cost together: each answer as journaled, and each further request as logged. */
function costOfCalls(entries: readonly JournaledCall[], evidence: readonly LoggedCall[]): PicoUsd {
  const answered = answersByCall(entries);
  const answers = [...answered.values()].map(({ cost }) => pico(BigInt(cost)));
  const byCall = Map.groupBy(evidence, ({ call }) => call);
  const others = [...byCall].map(([call, requests]) => costBeside(answered.get(call), requests));
  return add(zero, ...answers, ...others);
}

/** The requests of one call that are not the one which its answer, if there is one, has paid for. */
function costBeside(answer: Answered | undefined, requests: readonly LoggedCall[]): PicoUsd {
  const costs = requests.map(({ cost }) => cost);
  const all = add(zero, ...costs);
  if (answer === undefined) return all;
  const its = requests.find(({ requestId }) => requestId === answer.requestId);
  // Without a request id to go by, the cheapest is taken for the answer's own: never too little counted.
  const least = costs.reduce((a, b) => (a < b ? a : b));
  return subtract(all, its?.cost ?? least);
}

type Answered = Exclude<JournaledCall, 'corrupt'>;

/** An append that was repeated may stand twice; it is one answer. */
function answersByCall(entries: readonly JournaledCall[]): ReadonlyMap<string, Answered> {
  const answers = entries.flatMap((entry) => (entry === 'corrupt' ? [] : [entry]));
  return new Map(answers.map((entry) => [entry.call, entry]));
}

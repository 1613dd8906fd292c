import type { LogLine } from '#bedrock/contract.ts';
import { accountOfHold } from '#domain/account.ts';
import { type LoggedUsage, loggedCost } from '#domain/logged-cost.ts';
import type { LoggedCall } from '#domain/reconcile.ts';
import { Problem } from './problem.ts';

/** What a log shows of one hold. */
export interface HoldInLog {
  readonly calls: readonly LoggedCall[];
  /** Requests that the log shows without a cost that can be told. */
  readonly unpriced: number;
}

export interface LogContent {
  /** The holds that were asked for, and only those of them that the log names. */
  readonly holds: ReadonlyMap<string, HoldInLog>;
  /** Records of model calls of any job or program. */
  readonly records: number;
  /** Calls of this job, whatever their hold. */
  readonly callsOfJob: number;
  readonly broken: number;
  /** Why the first broken line is one, with its number. */
  readonly firstBroken: string | null;
  /** The newest record's time, RFC 3339. */
  readonly newest: string | null;
}

export interface LogSearch {
  readonly jobId: string;
  readonly models: readonly string[];
  /** Holds whose calls are kept in memory: those with unknown money. */
  readonly holds: ReadonlySet<string>;
}

/** Reads a log to its end; nothing of it is used when a part of it cannot be read. */
export async function readLog(
  lines: AsyncIterable<LogLine>,
  search: LogSearch,
): Promise<LogContent> {
  const reading = { holds: new Map<string, Gathered>(), ...nothingRead };
  for await (const line of lines) take(reading, line, search);
  const holds = [...reading.holds].map(
    ([hold, { calls, unpriced }]) =>
      [hold, { calls: [...calls.values()], unpriced: unpriced.size }] as const,
  );
  return { ...reading, holds: new Map(holds) };
}

const nothingRead = {
  records: 0,
  callsOfJob: 0,
  broken: 0,
  firstBroken: null as string | null,
  newest: null as string | null,
};

/** By request id, because files of a log may overlap. */
interface Gathered {
  readonly calls: Map<string, LoggedCall>;
  readonly unpriced: Set<string>;
}

type Reading = { holds: Map<string, Gathered> } & typeof nothingRead;

function take(reading: Reading, line: LogLine, search: LogSearch): void {
  switch (line.kind) {
    case 'unreadable':
      throw new Problem('log_unreadable', {
        detail: `The log cannot be read to its end: ${line.reason}. Nothing was changed.`,
        hint: 'Give the whole file again; a gzip file must be complete.',
      });
    case 'broken':
      reading.broken += 1;
      reading.firstBroken ??= `line ${line.line}: ${line.reason}`;
      return;
    case 'other':
    case 'failed-call':
      return noteTime(reading, line.at);
    case 'call':
      noteTime(reading, line.at);
      if (accountOfHold(line.hold) !== search.jobId) return;
      reading.callsOfJob += 1;
      if (search.holds.has(line.hold)) gather(reading, line, search.models);
  }
}

function noteTime(reading: Reading, at: string | null): void {
  reading.records += 1;
  if (at === null) return;
  if (reading.newest === null || Date.parse(at) > Date.parse(reading.newest)) reading.newest = at;
}

function gather(
  reading: Reading,
  line: Extract<LogLine, { kind: 'call' }>,
  models: readonly string[],
): void {
  const { hold, call, requestId } = line;
  const its = reading.holds.get(hold) ?? { calls: new Map(), unpriced: new Set() };
  reading.holds.set(hold, its);
  const cost = costOf(models, line.model, line.usage);
  if (cost === null) its.unpriced.add(requestId);
  else its.calls.set(requestId, { call, requestId, cost });
}

function costOf(models: readonly string[], model: string, usage: LoggedUsage | null) {
  return usage === null ? null : loggedCost(models, model, usage);
}

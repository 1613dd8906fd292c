/** Turns a job's unknown money into spent and available, by the provider's log (design section 4). */
import type { LogLine } from '#bedrock/contract.ts';
import type { Hold } from '#domain/account.ts';
import type { Job } from '#domain/job.ts';
import type { JsonObject } from '#domain/json.ts';
import { add, formatUsd, type PicoUsd, zero } from '#domain/money.ts';
import { modelOf } from '#domain/pricing.ts';
import { evidenceDelayMs, unsignedKey } from '#domain/reconcile.ts';
import type { Page, Store } from '#store/contract.ts';
import type { ApiPorts } from './ports.ts';
import { type LogContent, readLog } from './read-log.ts';
import { type HoldResult, reconcileHold } from './reconcile-hold.ts';
import type { Reconciliation } from './reconcile-schemas.ts';

export interface GivenLog {
  readonly lines: AsyncIterable<LogLine>;
  /** RFC 3339; null where nobody has said how far the log is complete. */
  readonly completeUntil: string | null;
  /** Whether an empty log may be a complete one: the simulator's own, where nothing was billed. */
  readonly mayBeEmpty: boolean;
}

/**
 * Resolves every ended hold with unknown money, whatever the job's status; open holds are their batches'
 * own and left alone. The log is read to its end before anything is changed. Safe to repeat and to run
 * twice at once. Throws Problem where the log cannot be read.
 */
export async function reconcileJob(
  ports: Pick<ApiPorts, 'store' | 'clock'>,
  job: Job,
  log: GivenLog,
): Promise<Reconciliation> {
  const { store } = ports;
  const { ended, open } = await unsettled(store, job.id);
  const content = await readLog(log.lines, {
    jobId: job.id,
    models: await modelsOfJob(store, job),
    holds: new Set(ended),
  });
  const isSigned = (await store.objects.get(unsignedKey(job.id))) === null;
  const isUsable = content.records > 0 || log.mayBeEmpty;
  const completeUntil = isUsable ? log.completeUntil : null;
  const reach = { completeUntil, brokenLines: content.broken, isSigned };
  const results: HoldResult[] = [];
  for (const id of ended) {
    const inLog = content.holds.get(id) ?? { calls: [], unpriced: 0 };
    results.push(await reconcileHold(store, { id, inLog, reach }));
  }
  const problems = [
    ...problemsOf(content, log),
    ...results.flatMap((result) => problemOf(result) ?? []),
  ];
  return tell(ports, job.id, { content, completeUntil, results, open, problems });
}

const holdsPerPage = 100;

async function unsettled(
  store: Store,
  jobId: string,
): Promise<{ readonly ended: readonly string[]; readonly open: number }> {
  const ended: string[] = [];
  let open = 0;
  let after: string | null = null;
  do {
    const page: Page<Hold> = await store.ledger.unsettledHolds(jobId, {
      limit: holdsPerPage,
      after,
    });
    for (const { id, status, unknown } of page.items) {
      if (status === 'open') open += 1;
      else if (unknown > 0n) ended.push(id);
    }
    after = page.next;
  } while (after !== null);
  return { ended, open };
}

async function modelsOfJob(store: Store, { id, spec }: Job): Promise<string[]> {
  const stored = await store.templates.get(spec.template.id);
  if (stored === null) throw new Error(`job ${id} is stored without its template`);
  return [...new Set(stored.template.steps.map((step) => spec.model ?? modelOf(step)))];
}

interface Outcome {
  readonly content: LogContent;
  readonly completeUntil: string | null;
  readonly results: readonly HoldResult[];
  readonly open: number;
  readonly problems: Reconciliation['problems'];
}

/** What was done, which becomes an event of the job when money was moved. */
async function tell(
  { store, clock }: Pick<ApiPorts, 'store' | 'clock'>,
  jobId: string,
  { content, completeUntil, results, open, problems }: Outcome,
): Promise<Reconciliation> {
  const at = clock().toISOString();
  const sumOf = (part: (result: HoldResult) => PicoUsd) => add(zero, ...results.map(part));
  const account = await store.ledger.account(jobId);
  const moved = {
    recovered: formatUsd(sumOf(({ recovered }) => recovered)),
    billed: formatUsd(sumOf(({ billed }) => billed)),
    released: formatUsd(sumOf(({ released }) => released)),
    unknown: formatUsd(account?.unknown ?? zero),
  };
  const summary = {
    ...moved,
    holds: {
      examined: results.length,
      settled: results.filter(({ unknown }) => unknown === 0n).length,
      open,
    },
    calls: {
      found: content.callsOfJob,
      unanswered: results.reduce((sum, result) => sum + result.unanswered, 0),
    },
    log: {
      records: content.records,
      broken: content.broken,
      newest: content.newest,
      complete_until: completeUntil,
    },
    problems: problems.slice(0, problemsMax).map((problem) => ({ ...problem })),
  };
  await appendEvents(store, { jobId, at, results, summary });
  const accountStatus = account?.status ?? 'active';
  return { object: 'reconciliation', job: jobId, at, account_status: accountStatus, ...summary };
}

/** Enough to see what is wrong; each hold may have one. */
const problemsMax = 100;

interface Told {
  readonly jobId: string;
  readonly at: string;
  readonly results: readonly HoldResult[];
  readonly summary: JsonObject;
}

async function appendEvents(store: Store, { jobId, at, results, summary }: Told): Promise<void> {
  for (const { hold, excess } of results) {
    if (excess === 0n) continue;
    const data = { hold, excess: formatUsd(excess) };
    await store.events.append(jobId, { at, type: 'breach', data });
  }
  const hasMoved = results.some((its) => its.recovered + its.billed + its.released > 0n);
  if (hasMoved) await store.events.append(jobId, { at, type: 'reconciled', data: summary });
}

function problemsOf(
  { records, broken, firstBroken }: LogContent,
  log: GivenLog,
): Reconciliation['problems'] {
  const lines = `${broken} ${broken === 1 ? 'line' : 'lines'} of the log cannot be read`;
  return [
    ...(broken === 0
      ? []
      : [
          {
            hold: null,
            kind: 'log-has-broken-lines',
            detail: `${lines} (the first is ${firstBroken}): what they showed counts as not known, so nothing is released.`,
          },
        ]),
    ...(records > 0 || log.mayBeEmpty
      ? []
      : [
          {
            hold: null,
            kind: 'log-empty',
            detail:
              'The log has no record at all, so what it lacks proves nothing. Is it the right file?',
          },
        ]),
  ];
}

const delayMinutes = evidenceDelayMs / 60_000;

const sentences: Record<NonNullable<HoldResult['kept']>, string> = {
  'log-not-complete': `The log is not known to be complete until ${delayMinutes} minutes past the end of this hold, so calls that it lacks may still appear. Say how far it is complete (complete_until) once it is.`,
  'log-has-broken-lines': 'A line of the log that cannot be read may be a call of this hold.',
  'log-lacks-answers':
    'The log lacks calls whose answers are in the journal, so it is not complete, whatever was said of it. Give all of its files.',
  'call-unpriced': 'The log shows calls of this hold whose cost cannot be told.',
  'not-signed':
    'Calls of this job were sent with a bearer token, which no date protects from arriving late: only what the log shows is resolved.',
  'late-answer':
    'An answer became durable after the money for it had come back: a log was called complete that was not. The job may have cost more than its limit.',
  busy: 'Others were writing to this hold. Repeat the request.',
};

function problemOf({
  hold,
  kept,
  excess,
  unknown,
}: HoldResult): Reconciliation['problems'][number] | null {
  if (excess > 0n) {
    const detail = `The log bills $${formatUsd(excess)} above all that was unknown: a call cost more than its worst case. The account is frozen.`;
    return { hold, kind: 'breach', detail };
  }
  if (kept === null || (unknown === 0n && kept !== 'late-answer')) return null;
  return { hold, kind: kept, detail: sentences[kept] };
}

import type { PastReconciliation, Reconciliation } from './job-body.ts';
import { grouped } from './progress-line.ts';

/** One reconciliation as a row of `plot show`. */
export function reconciliationLine(past: PastReconciliation): string {
  return `reconciled ${past.at}: ${movedText(past)}; ${evidenceText(past)}`;
}

/** What a reconciliation did, for people: what moved, by what evidence, what is left and why. */
export function reconciliationText(its: Reconciliation): string {
  const { holds, unknown, problems } = its;
  const open = holds.open === 0 ? '' : `, ${grouped(holds.open)} left alone because they are open`;
  const lines = [
    `${its.job}: ${movedText(its)}`,
    `  ${evidenceText(its)}`,
    `  ${grouped(holds.examined)} holds examined, ${grouped(holds.settled)} settled${open}`,
    Number(unknown) === 0 ? '  nothing is unknown any more' : `  $${unknown} stays unknown`,
    ...countedProblems(problems).map((problem) => `  ${problem}`),
  ];
  return lines.join('\n');
}

function movedText({ recovered, billed, released }: PastReconciliation): string {
  const late = Number(recovered) === 0 ? '' : `, $${recovered} paid for answers that were kept`;
  return `$${billed} of unknown money was billed, $${released} came back${late}`;
}

function evidenceText({ calls, log }: PastReconciliation): string {
  const until =
    log.complete_until === null
      ? 'not known to be complete'
      : `complete until ${log.complete_until}`;
  return `by a log of ${grouped(log.records)} records, ${until}: ${grouped(calls.found)} calls of the job, ${grouped(calls.unanswered)} of them without an answer`;
}

/** A hundred holds with one reason are one line. */
function countedProblems(problems: PastReconciliation['problems']): string[] {
  const byDetail = Map.groupBy(problems, ({ detail }) => detail);
  return [...byDetail].map(([detail, same]) => {
    const holds = same.filter(({ hold }) => hold !== null).length;
    return holds > 1 ? `${detail} (${grouped(holds)} holds)` : detail;
  });
}

import type { JobBody } from './job-body.ts';
import { shortUsd } from './money-text.ts';

/** What the line is made of. */
export type ProgressView = Pick<JobBody, 'status' | 'records' | 'cost' | 'waiting' | 'progress'>;

const barCells = 24;

/** `████░░  212/300   61 records/s   $0.043 spent  $0.006 held   2 s left`, or why nothing is sent. */
export function progressLine(job: ProgressView): string {
  const { requested, not_started: notStarted } = job.records;
  const done = requested - notStarted;
  const parts = [`${bar(done, requested)}  ${grouped(done)}/${grouped(requested)}`];
  if (job.progress.rate_per_s !== null)
    parts.push(`${rateText(job.progress.rate_per_s)} records/s`);
  parts.push(moneyText(job.cost));
  if (job.records.failed > 0) parts.push(`${grouped(job.records.failed)} failed`);
  parts.push(lastPart(job));
  return `  ${parts.filter((part) => part !== '').join('   ')}`;
}

function bar(done: number, of: number): string {
  const cells = of === 0 ? 0 : Math.floor((done / of) * barCells);
  return '█'.repeat(cells) + '░'.repeat(barCells - cells);
}

function moneyText(cost: ProgressView['cost']): string {
  const held = cost.held === '0.00' ? '' : `  ${shortUsd(cost.held)} held`;
  const unknown = cost.unknown === '0.00' ? '' : `  ${shortUsd(cost.unknown)} unknown`;
  return `${shortUsd(cost.spent)} spent${held}${unknown}`;
}

function lastPart({ status, waiting, progress }: ProgressView): string {
  if (waiting !== null) return `waiting: ${waiting.detail}`;
  if (status === 'validating') return 'starting';
  if (status === 'finalizing') return 'writing the files';
  if (status === 'cancelling') return 'cancelling';
  return progress.eta_s === null ? '' : `${durationText(progress.eta_s)} left`;
}

function rateText(rate: number): string {
  return rate >= 10 ? grouped(Math.round(rate)) : String(Math.round(rate * 10) / 10);
}

/** 5 as "5 s", 125 as "2 min 5 s", 7,260 as "2 h 1 min". */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's');
  return pair(Math.floor(whole / 3_600), 'h', Math.floor((whole % 3_600) / 60), 'min');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

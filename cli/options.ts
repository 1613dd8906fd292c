import { InvalidArgumentError } from 'commander';
import { concurrencyMax, jobSeedMax } from '#domain/limits.ts';
import { formatUsd, parseUsd } from '#domain/money.ts';
import { recordsMax } from '#domain/plan.ts';

/** Worker processes on one machine: more than cores only take memory from each other. */
const workersMax = 16;

export const recordsOption = whole('records', 1, recordsMax);
export const seedOption = whole('a job seed', 0, jobSeedMax);
export const concurrencyOption = whole('calls in flight', 1, concurrencyMax);
export const workersOption = whole('workers', 1, workersMax);
export const listOption = whole('jobs', 1, 100);

/** Reads a whole number; refuses anything else with what is allowed. */
function whole(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,12}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      `Allowed is a whole number of ${what} from ${least} to ${most}, in digits.`,
    );
  };
}

/** Reads an amount in USD, as exact text. */
export function moneyOption(text: string): string {
  const parsed = parseUsd(text.startsWith('$') ? text.slice(1) : text);
  if (parsed.kind === 'invalid') {
    throw new InvalidArgumentError(`${parsed.reason.replace(/^"[^"]*" is /, 'It is ')}.`);
  }
  if (parsed.amount === 0n)
    throw new InvalidArgumentError('With nothing to spend nothing is sent.');
  return formatUsd(parsed.amount);
}

/** Reads a time; answers it in UTC. */
export function timeOption(text: string): string {
  const isTime = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text);
  if (isTime && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw new InvalidArgumentError('Allowed is a time with its zone, such as 2026-01-31T12:00:00Z.');
}

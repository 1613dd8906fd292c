import { CliError, exitCodes } from './cli-error.ts';

/** The first thing that is not as the manifest says. */
export function difference(place: string, what: string): CliError {
  return new CliError({
    code: 'verification_failed',
    exitCode: exitCodes.verification,
    message: `${place}: ${what}.`,
    hint: 'The dataset is not as it was delivered. `./plot watch JOB` delivers it again from the journal.',
  });
}

/** Lines are counted from 1, as editors do. */
export function lineDifference(file: string, line: number, what: string): CliError {
  return difference(`${file} line ${line}`, what);
}

/** What scripts decide by; stable, documented in `plot -h`. */
export const exitCodes = {
  done: 0,
  error: 1,
  usage: 2,
  cancelled: 2,
  failedRecords: 3,
  notAllowed: 4,
  outOfMoney: 5,
  verification: 6,
  noServer: 7,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface CliErrorFields {
  /** Stable: programs decide by it. */
  readonly code: string;
  readonly exitCode: ExitCode;
  /** What was wrong, the value seen, what is allowed. */
  readonly message: string;
  /** One line each: the places where it is wrong. */
  readonly details?: readonly string[];
  /** What to do. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Why a command ends without having done what was asked. */
export class CliError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly details: readonly string[];
  readonly hint: string | null;

  constructor({ code, exitCode, message, details, hint, cause }: CliErrorFields) {
    super(message, { cause });
    this.name = 'CliError';
    this.code = code;
    this.exitCode = exitCode;
    this.details = details ?? [];
    this.hint = hint ?? null;
  }
}

export function usageError(code: string, message: string, hint?: string): CliError {
  const fields = { code, exitCode: exitCodes.usage, message };
  return new CliError(hint === undefined ? fields : { ...fields, hint });
}

/** The error as a person reads it: the message, the places, what to do. */
export function errorText(error: unknown): string {
  if (!(error instanceof CliError)) return `Error: ${messageOf(error)}`;
  const details = error.details.map((detail) => `\n  ${detail}`).join('');
  const hint = error.hint === null ? '' : `\n${error.hint}`;
  return `Error: ${error.message}${details}${hint}`;
}

/** The message, and the one behind it where the error only says that something below it failed. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error && error.message === 'fetch failed') return error.cause.message;
  return error.message;
}

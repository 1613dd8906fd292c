import type { FailureKind, RefusalKind } from '#domain/failure.ts';
import { failure } from '#domain/failure.ts';
import type { CallOutcome } from './contract.ts';

/**
 * What an error of a call that may have been sent means for its money. *Certainly not billed* is the
 * allow-list below; everything else, and so every error class of a newer SDK, may have been billed.
 */
export function classify(error: unknown): CallOutcome {
  const seen = read(error);
  const refusal = refusalOf(seen);
  if (refusal === null)
    return { kind: 'unknown', failure: failure(lostKind(seen), describe(seen)) };
  return notBilled(refusal, seen);
}

/** What an error means that was raised before the request was handed to the network: nothing is billed. */
export function classifyUnsent(error: unknown): CallOutcome {
  const seen = read(error);
  return notBilled(seen.name.endsWith('ProviderError') ? 'access-denied' : 'not-sent', seen);
}

interface SeenError {
  readonly name: string;
  readonly message: string;
  /** Of the operating system or of Node: ECONNREFUSED, CERT_HAS_EXPIRED. */
  readonly code: string;
  readonly syscall: string;
  /** Of the HTTP response; 0 where there was none. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The errors of an AggregateError: one for each address that was tried. */
  readonly attempts: readonly SeenError[];
}

/** Refusals by the name on the wire. The service says these before a model runs. */
const refusalsByName: Readonly<Record<string, RefusalKind>> = {
  ThrottlingException: 'throttled',
  TooManyRequestsException: 'throttled',
  ServiceQuotaExceededException: 'quota-exceeded',
  ServiceUnavailableException: 'service-unavailable',
  ModelNotReadyException: 'model-not-ready',
  ValidationException: 'request-refused',
  ResourceNotFoundException: 'model-not-found',
  AccessDeniedException: 'access-denied',
  // Authentication, answered with 403 by every AWS service before the operation is looked at.
  ExpiredTokenException: 'access-denied',
  ExpiredToken: 'access-denied',
  UnrecognizedClientException: 'access-denied',
  InvalidClientTokenId: 'access-denied',
  InvalidSignatureException: 'access-denied',
  IncompleteSignature: 'access-denied',
  IncompleteSignatureException: 'access-denied',
  MissingAuthenticationToken: 'access-denied',
  MissingAuthenticationTokenException: 'access-denied',
  OptInRequired: 'access-denied',
  RequestExpired: 'not-sent',
  RequestTimeTooSkewed: 'not-sent',
};

/** Refusals by status alone, for bodies that name no error: what stands before the service said no. */
const refusalsByStatus: Readonly<Record<number, RefusalKind>> = {
  401: 'access-denied',
  403: 'access-denied',
  404: 'model-not-found',
  407: 'access-denied',
  413: 'request-refused',
  429: 'throttled',
};

function refusalOf(seen: SeenError): RefusalKind | null {
  if (seen.status > 0) return answeredRefusal(seen);
  return isUnconnected(seen) ? 'unreachable' : null;
}

function answeredRefusal(seen: SeenError): RefusalKind | null {
  // A success that could not be read was generated, and paid for.
  if (seen.status < 400) return null;
  const byName = Object.hasOwn(refusalsByName, seen.name) ? refusalsByName[seen.name] : undefined;
  if (byName === undefined)
    return isNameless(seen) ? (refusalsByStatus[seen.status] ?? null) : null;
  if (byName === 'throttled' && /tokens per day/i.test(seen.message)) return 'quota-exceeded';
  // The signature was too old when it arrived: the next call carries a fresh one.
  if (byName === 'access-denied' && /signature (expired|not yet current)/i.test(seen.message))
    return 'not-sent';
  return byName;
}

/** A body that was not the service's JSON, or that named no error. */
function isNameless(seen: SeenError): boolean {
  return ['SyntaxError', 'Unknown', 'UnknownError', 'Error', ''].includes(seen.name);
}

/** Failures of connect(), of the name's resolution, or of TLS: no byte of the request was written. */
function isUnconnected(seen: SeenError): boolean {
  // Every address of the host was tried, and none was reached.
  if (seen.attempts.length > 0) return seen.attempts.every(isUnconnected);
  if (seen.syscall === 'connect' || seen.syscall === 'getaddrinfo') return true;
  return tlsRefusals.has(seen.code) || unconnectedTexts.some((its) => seen.message.includes(its));
}

/** What the HTTP handler, Node and OpenSSL say of a connection that never came to be. */
const unconnectedTexts = [
  'did not establish a connection',
  'before secure TLS connection was established',
  'alert handshake failure',
  'alert protocol version',
];

/** The server's certificate was refused, which ends the handshake before anything is written. */
const tlsRefusals = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The provider said that it failed, or nobody said anything that can be relied on. */
function lostKind(seen: SeenError): 'provider-error' | 'no-answer' {
  const hasName = seen.status >= 400 && !isNameless(seen);
  // 529 is "overloaded": it may come before any work, but no list of AWS says that it is free.
  return hasName || seen.status === 500 || seen.status === 529 ? 'provider-error' : 'no-answer';
}

function notBilled(kind: RefusalKind, seen: SeenError): CallOutcome {
  return {
    kind: 'not-billed',
    failure: failure(kind, describe(seen)),
    retryAfterMs: retryAfterMs(seen.headers),
  };
}

/** `x-amz-retry-after` counts milliseconds, `retry-after` seconds; a date is not used by the service. */
function retryAfterMs(headers: SeenError['headers']): number | null {
  const ms = Number(headers['x-amz-retry-after'] ?? Number.NaN);
  const fromSeconds = Number(headers['retry-after'] ?? Number.NaN) * 1_000;
  const told = Number.isFinite(ms) ? ms : fromSeconds;
  return Number.isFinite(told) && told >= 0 ? told : null;
}

/** Room for a sentence of the service; a longer text may repeat the prompt. */
const messageMax = 300;

function describe(seen: SeenError): string {
  // A SyntaxError quotes the body, which says nothing about what went wrong; the SDK's hints for
  // developers begin on a second line.
  const [line = ''] =
    seen.name === 'SyntaxError' ? ['the response is not JSON'] : seen.message.split('\n');
  const what = line.slice(0, messageMax);
  const code = seen.code === '' || what.includes(seen.code) ? '' : ` ${seen.code}`;
  const where = seen.status > 0 ? ` (HTTP ${seen.status})` : '';
  return `${seen.name}${code}${where}: ${what}`;
}

function read(error: unknown): SeenError {
  return {
    name: text(field(error, 'name')),
    message: text(field(error, 'message')),
    code: text(field(error, 'code')),
    syscall: text(field(error, 'syscall')),
    status: statusOf(error),
    headers: headersOf(error),
    attempts: attemptsOf(error),
  };
}

function attemptsOf(error: unknown): SeenError[] {
  const errors = field(error, 'errors');
  return error instanceof AggregateError && Array.isArray(errors) ? errors.map(read) : [];
}

function statusOf(error: unknown): number {
  const status =
    field(field(error, '$metadata'), 'httpStatusCode') ??
    field(field(error, '$response'), 'statusCode');
  return typeof status === 'number' ? status : 0;
}

function headersOf(error: unknown): Record<string, string> {
  const headers = field(field(error, '$response'), 'headers');
  if (typeof headers !== 'object' || headers === null) return {};
  const texts = Object.entries(headers).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(texts.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function field(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Kinds that say the service could not be reached or did not work: what opens a call gate's circuit. */
export const outageKinds: ReadonlySet<FailureKind> = new Set<FailureKind>([
  'unreachable',
  'service-unavailable',
  'model-not-ready',
  'provider-error',
  'no-answer',
]);

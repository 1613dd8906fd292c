import type { IncomingHttpHeaders } from 'node:http';
import { WireError } from './wire-error.ts';

/** How far the clock of a signed request may be off, in either direction, before it is refused. */
const ageMsMax = 5 * 60_000;

const signaturePattern =
  /^AWS4-HMAC-SHA256 Credential=[^/\s]+\/\d{8}\/[a-z0-9-]+\/[a-z-]+\/aws4_request, ?SignedHeaders=[a-z0-9:;-]+, ?Signature=[0-9a-f]{64}$/;

/**
 * Throws the service's 403 unless the request carries a bearer token or a Signature Version 4 that is
 * no older and no newer than five minutes. The signature's value is not verified: the simulator has no secrets.
 */
export function checkSignature(headers: IncomingHttpHeaders, nowMs: number): void {
  const authorization = headers.authorization;
  if (authorization === undefined) {
    throw new WireError(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (/^Bearer \S+$/.test(authorization)) return;
  const signedAt = headers['x-amz-date'];
  if (!signaturePattern.test(authorization) || typeof signedAt !== 'string') {
    throw invalidSignature(
      'The request signature we calculated does not match the signature you provided. ' +
        'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
  }
  checkAge(signedAt, nowMs);
}

function checkAge(signedAt: string, nowMs: number): void {
  const signedMs = parseAmzDate(signedAt);
  if (Number.isNaN(signedMs)) {
    throw invalidSignature(`Date must be in ISO-8601 basic format. Got '${signedAt}'.`);
  }
  if (signedMs < nowMs - ageMsMax) {
    const earliest = formatAmzDate(nowMs - ageMsMax);
    throw invalidSignature(
      `Signature expired: ${signedAt} is now earlier than ${earliest} (${formatAmzDate(nowMs)} - 5 min.)`,
    );
  }
  if (signedMs > nowMs + ageMsMax) {
    const latest = formatAmzDate(nowMs + ageMsMax);
    throw invalidSignature(
      `Signature not yet current: ${signedAt} is still later than ${latest} (${formatAmzDate(nowMs)} + 5 min.)`,
    );
  }
}

function invalidSignature(message: string): WireError {
  return new WireError(403, 'InvalidSignatureException', message);
}

function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return Number.NaN;
  const [year = 0, month = 0, day = 0, hour, minute, second] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function formatAmzDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

import type { MiddlewareHandler } from 'hono';
import { Problem } from './problem.ts';
import { shown } from './request.ts';

const localNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Keeps web pages out: a page elsewhere that makes a browser call this machine carries its own Origin,
 * and one whose name was re-bound to 127.0.0.1 carries its own Host.
 */
export const localOnly: MiddlewareHandler = async (c, next) => {
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  if (!isLocal(host)) {
    throw new Problem('foreign_host', {
      detail: `The Host header is ${shown(host)}; allowed are localhost, 127.0.0.1 and [::1].`,
      hint: 'Call the API by http://127.0.0.1 and its port.',
    });
  }
  const origin = c.req.header('origin');
  if (origin !== undefined && !isLocalOrigin(origin)) {
    throw new Problem('foreign_origin', {
      detail: `The Origin header is ${shown(origin)}; allowed are pages of localhost, 127.0.0.1 and [::1].`,
    });
  }
  await next();
};

function isLocal(host: string): boolean {
  const match = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host.toLowerCase());
  return match !== null && localNames.has(match[1] ?? '');
}

function isLocalOrigin(origin: string): boolean {
  const match = /^https?:\/\/([^/]*)$/i.exec(origin);
  return match !== null && isLocal(match[1] ?? '');
}

/** What every answer carries; the docs page widens the policy for its own files. */
export const secureHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers } = c.res;
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'no-referrer');
  headers.set('x-frame-options', 'DENY');
  headers.set('cross-origin-resource-policy', 'same-origin');
  if (!headers.has('content-security-policy')) {
    headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  }
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
};

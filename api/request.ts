import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { requestBytesMax } from '#domain/limits.ts';
import { nearestName } from '#domain/nearest-name.ts';
import type { AppEnv } from './ports.ts';
import { Problem, type ProblemError } from './problem.ts';

/** A router whose requests are refused as problems when they do not fit a route's schemas. */
export function createRouter(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success)
        throw invalidRequest(result.target, result.error, Reflect.get(result, 'data'));
    },
  });
}

/** An object that refuses fields it does not know, naming the one that was probably meant. */
export function closedObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      // One message for all keys; `invalidRequest` gives each key its own pointer and near match.
      return JSON.stringify(known);
    },
  });
}

/** Runs before a route's schemas: the body is JSON, says so, and is not longer than any valid one. */
export const jsonBody: MiddlewareHandler[] = [
  async (c, next) => {
    requireContentType(c.req.header('content-type'), ['application/json']);
    await next();
  },
  limitBody(requestBytesMax),
  async (c, next) => {
    const text = await c.req.text();
    try {
      JSON.parse(text);
    } catch (cause) {
      throw invalidJson(text, cause);
    }
    await next();
  },
];

/** Refuses a body over so many bytes, whether its length is announced or only found out. */
export function limitBody(bytesMax: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: bytesMax,
    onError: (c) => {
      const announced = c.req.header('content-length');
      const seen = announced === undefined ? 'longer' : `${announced} bytes`;
      throw new Problem('body_too_large', {
        detail: `The body is ${seen}; at most ${bytesMax} bytes are allowed here.`,
      });
    },
  });
}

/** The media type, which is one of those allowed; otherwise a problem. */
export function requireContentType(header: string | undefined, allowed: readonly string[]): string {
  const type = header?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (allowed.includes(type)) return type;
  throw new Problem('unsupported_media_type', {
    detail: `The content type is ${type === '' ? 'missing' : shown(type)}; allowed is ${allowed.join(' or ')}.`,
    hint: `Send the header "content-type: ${allowed[0]}".`,
  });
}

function invalidJson(text: string, cause: unknown): Problem {
  const at = jsonErrorAt(text);
  const lines = text.slice(0, at).split('\n');
  const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
  const seen = at < text.length ? shown(text.slice(at, at + 20)) : 'the end of the body';
  return new Problem(
    'invalid_json',
    { detail: `The body is not JSON: unexpected at ${place} (position ${at}) is ${seen}.` },
    cause,
  );
}

/**
 * Where JSON breaks: the length of the longest beginning that could still go on. The parser's message
 * carries a position only sometimes, so it is searched for: a beginning that is cut off before the fault
 * fails only because it ends.
 */
export function jsonErrorAt(text: string): number {
  let good = 0;
  let bad = text.length;
  if (couldGoOn(text)) return text.length;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (couldGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function couldGoOn(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = /at position (\d+)/.exec(message)?.[1];
    if (position !== undefined) return Number(position) >= beginning.length;
    return message.startsWith('Unexpected end');
  }
}

const pointerPrefix: Readonly<Record<string, string>> = {
  json: '',
  query: '/query',
  param: '/path',
  header: '/headers',
};

function invalidRequest(target: string, error: z.ZodError, input: unknown): Problem {
  const prefix = pointerPrefix[target] ?? `/${target}`;
  const errors = firstPerPointer(error.issues.flatMap((issue) => errorsOf(issue, prefix, input)));
  const pointers = errors.map(({ pointer }) => pointer);
  const isLimitAlone = target === 'json' && pointers.length === 1 && pointers[0] === '/limit';
  const details = errors.map(({ detail }) => detail).join(' ');
  return new Problem(isLimitAlone ? 'limit_invalid' : 'validation_failed', {
    detail: details,
    errors,
    ...(pointers.includes('/limit') && target === 'json'
      ? { hint: 'Write the limit in USD as text, for instance "limit": "0.50".' }
      : {}),
  });
}

function errorsOf(issue: z.core.$ZodIssue, prefix: string, input: unknown): ProblemError[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = z.array(z.string()).parse(JSON.parse(issue.message));
    return issue.keys.map((key) => unknownField(pointerOf(prefix, [...path, key]), key, known));
  }
  const name = path.at(-1) ?? 'the body';
  const value = valueIn(input, path);
  const detail =
    value === undefined
      ? `${name} is missing; ${issue.message}.`
      : `${name} is ${shown(value)}; ${issue.message}.`;
  return [{ pointer: pointerOf(prefix, path), detail }];
}

function unknownField(pointer: string, key: string, known: readonly string[]): ProblemError {
  const near = nearestName(key.slice(0, 64), known);
  const meant = near === null ? '' : ` Did you mean "${near}"?`;
  return {
    pointer,
    detail: `${shown(key)} is not a known field.${meant} Known are ${known.join(', ')}.`,
  };
}

function firstPerPointer(errors: readonly ProblemError[]): ProblemError[] {
  const seen = new Map<string, ProblemError>();
  for (const error of errors) if (!seen.has(error.pointer)) seen.set(error.pointer, error);
  // A body with a thousand unknown fields needs no thousand lines.
  return [...seen.values()].slice(0, 20);
}

function pointerOf(prefix: string, path: readonly string[]): string {
  const parts = path.map((name) => name.replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 64));
  return `${prefix}${parts.map((part) => `/${part}`).join('')}`;
}

function valueIn(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  }
  return value;
}

/** A value as a message can show it: JSON, at most 60 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

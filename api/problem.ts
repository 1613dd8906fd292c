import { z } from '@hono/zod-openapi';

/** Every code of a problem, with its status and title. Codes are stable: programs decide by them. */
const problems = {
  invalid_json: { status: 400, title: 'The body is not JSON' },
  foreign_host: { status: 403, title: 'This host is not served' },
  foreign_origin: { status: 403, title: 'This origin may not call' },
  not_found: { status: 404, title: 'No such address' },
  template_unknown: { status: 404, title: 'No such template' },
  seeds_unknown: { status: 404, title: 'No such seed set' },
  job_not_found: { status: 404, title: 'No such job' },
  file_not_found: { status: 404, title: 'No such file' },
  no_output: { status: 404, title: 'Nothing to download yet' },
  method_not_allowed: { status: 405, title: 'This address has other methods' },
  no_log: { status: 409, title: 'No log to read' },
  job_ended: { status: 409, title: 'The job has ended' },
  workflow_gone: { status: 409, title: "The job's workflow does not run" },
  limit_below_committed: { status: 409, title: 'The limit is below what is committed' },
  body_too_large: { status: 413, title: 'The body is too large' },
  seeds_too_large: { status: 413, title: 'The seed data are too large' },
  unsupported_media_type: { status: 415, title: 'The body has another content type' },
  validation_failed: { status: 422, title: 'The request is not valid' },
  idempotency_mismatch: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  template_invalid: { status: 422, title: 'The template is not valid' },
  template_not_found: { status: 422, title: 'The request names an unknown template' },
  seeds_invalid: { status: 422, title: 'The seed data are not valid' },
  seeds_not_found: { status: 422, title: 'The request names an unknown seed set' },
  seed_rows_incomplete: { status: 422, title: 'Seed rows lack what the template requires' },
  model_unpriced: { status: 422, title: 'No price for this model' },
  limit_invalid: { status: 422, title: 'The limit is not an amount' },
  limit_too_small: { status: 422, title: 'The limit cannot pay for one call' },
  log_unreadable: { status: 422, title: 'The log cannot be read' },
  internal: { status: 500, title: 'Something went wrong here' },
  temporal_unreachable: { status: 503, title: 'Temporal cannot be reached' },
  too_many_streams: { status: 503, title: 'Too many open event streams' },
} as const;

export type ProblemCode = keyof typeof problems;

export interface ProblemError {
  /** JSON pointer into the body; `/query/…` and `/headers/…` for what is not in the body. */
  readonly pointer: string;
  readonly detail: string;
}

interface ProblemFields {
  /** What was wrong, the value seen, what is allowed. */
  readonly detail: string;
  readonly errors?: readonly ProblemError[];
  /** What to do. */
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal on its way to the client: thrown by handlers, answered in one place. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly fields: ProblemFields;

  constructor(code: ProblemCode, fields: ProblemFields, cause?: unknown) {
    super(fields.detail, { cause });
    this.name = 'Problem';
    this.code = code;
    this.fields = fields;
  }
}

/** The problem as RFC 9457 has it. */
export function problemResponse(problem: Problem, requestId: string): Response {
  const { status, title } = problems[problem.code];
  const { detail, errors, hint, headers } = problem.fields;
  const body: z.infer<typeof problemBody> = {
    type: `https://plot-palette.dev/problems/${problem.code.replaceAll('_', '-')}`,
    title,
    status,
    detail,
    code: problem.code,
    ...(errors === undefined || errors.length === 0 ? {} : { errors: [...errors] }),
    ...(hint === undefined ? {} : { hint }),
    request_id: requestId,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  });
}

export const problemBody = z
  .object({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What was wrong, the value seen, what is allowed.' }),
    code: z.string().openapi({ description: 'Stable: decide by it.' }),
    errors: z
      .array(
        z.object({
          pointer: z.string().openapi({
            description:
              'JSON pointer into the body; /query/… and /headers/… for what is not in the body.',
          }),
          detail: z.string(),
        }),
      )
      .optional(),
    hint: z.string().optional().openapi({ description: 'What to do.' }),
    request_id: z.string(),
  })
  .openapi('Problem');

/** Any route may answer these: before its handler runs, or when it breaks. */
const everywhere: readonly ProblemCode[] = ['foreign_host', 'foreign_origin', 'internal'];
/** Any route that takes a JSON body may answer these. */
export const bodyProblems = [
  'invalid_json',
  'unsupported_media_type',
  'body_too_large',
  'validation_failed',
] as const satisfies readonly ProblemCode[];

/**
 * The problems of a route, for its OpenAPI entry: one response per status, naming the codes. Handlers
 * throw problems and never return them, so the type says nothing of these statuses.
 */
export function answers(...codes: readonly ProblemCode[]): Record<never, ResponseEntry> {
  const responses: Record<number, ResponseEntry> = {};
  for (const code of [...codes, ...everywhere]) {
    const { status, title } = problems[code];
    const before = responses[status]?.description;
    const description = `\`${code}\`: ${title}.`;
    responses[status] = responseOf(before === undefined ? description : `${before} ${description}`);
  }
  return responses;
}

type ResponseEntry = ReturnType<typeof responseOf>;

function responseOf(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemBody } } };
}

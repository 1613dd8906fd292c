import { z } from 'zod';

/** Refused before any work: an error as the service writes it, certainly not billed. */
export const refusalKinds = [
  'throttle',
  'throttleDaily',
  'modelNotReady',
  'serverError',
  'unavailable',
  'overloaded',
  'modelError',
  'modelTimeout',
  'accessDenied',
] as const;

/** The request or its answer is lost on the way. */
export const lossKinds = [
  'hang',
  'hangBilled',
  'resetBeforeBilling',
  'resetAfterBilling',
  'serverErrorBilled',
  'truncatedBody',
  'malformedBody',
] as const;

/** HTTP 200, billed, and not what was hoped for. */
export const answerFaultKinds = [
  'emptyAnswer',
  'maxTokens',
  'contentFiltered',
  'malformedModelOutput',
  'contextExceeded',
  'invalidJson',
  'usageAboveBound',
] as const;

export const faultKinds = [...refusalKinds, ...lossKinds, ...answerFaultKinds] as const;

export type RefusalFault = (typeof refusalKinds)[number];
export type LossFault = (typeof lossKinds)[number];
export type AnswerFault = (typeof answerFaultKinds)[number];
export type FaultKind = (typeof faultKinds)[number];

const msMax = 24 * 60 * 60_000;
/** One, with room for the rounding of sums such as 0.1 + 0.2 + 0.7. */
const probabilityMax = 1 + 1e-9;
const faultsSchema = z
  .partialRecord(z.enum(faultKinds), z.number().min(0).max(1))
  .refine((faults) => sumOf(faults) <= probabilityMax, {
    error: 'the probabilities add up to more than 1; one request has at most one fault',
  });

const knobsSchema = z.strictObject({
  /** Chooses which requests a fault hits, and the jitter. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  latency: z.strictObject({
    ms: z.number().min(0).max(msMax),
    /** Uniform, added to `ms`. */
    jitterMs: z.number().min(0).max(msMax).default(0),
  }),
  /** Probability of each fault; one draw per request, so they add up to at most 1. */
  faults: faultsSchema,
  /**
   * What a fault follows from, with the seed: the request's number since the knobs changed, the call id
   * in its `requestMetadata.pp_call`, or the prompt (then the same prompt always has the same fate).
   */
  chooseBy: z.enum(['request', 'call', 'prompt']),
  /** Faults hit only the first so many model requests since the knobs changed. */
  firstN: z.int().min(0).nullable(),
  /** `refuse` closes every connection that brings a model request; `unavailable` answers 503. */
  down: z.enum(['no', 'refuse', 'unavailable']),
  /** Sent as `retry-after` with 429, 503 and 529. */
  retryAfterS: z.number().min(0).nullable(),
  /** A bucket for each model: input and maxTokens are reserved at the start of a call. */
  tokensPerMinute: z.number().positive().nullable(),
  /** Added to the clock that signatures are checked against. */
  clockSkewMs: z.int().min(-msMax).max(msMax),
});

export type Knobs = z.infer<typeof knobsSchema>;

const patchSchema = knobsSchema
  .partial()
  .extend({
    forMs: z.number().positive().max(msMax).optional(),
    until: z.iso.datetime().optional(),
  })
  .refine((patch) => patch.forMs === undefined || patch.until === undefined, {
    error: 'give forMs or until, not both',
  });

export type KnobsPatch = z.input<typeof patchSchema>;

export interface KnobsView {
  /** In force now. */
  readonly knobs: Knobs;
  /** In force when no storm blows. */
  readonly base: Knobs;
  readonly storm: { readonly until: string } | null;
}

export type PutOutcome =
  | { readonly kind: 'set'; readonly view: KnobsView }
  | { readonly kind: 'invalid'; readonly reason: string };

export interface KnobBoard {
  /** The same object until the knobs change. */
  current(): Knobs;
  view(): KnobsView;
  /**
   * Without a duration: start-up values with these over them, and any storm ends. With `forMs` or `until`:
   * the base with these over it (faults by kind), until then.
   */
  put(body: unknown): PutOutcome;
}

/** The knobs of one simulator. Start-up values are trusted to be valid: throws when they are not. */
export function createKnobs(start: KnobsPatch, now: () => number): KnobBoard {
  const initial = overlay(quiet, patchSchema.parse(start));
  let base = initial;
  let storm: { knobs: Knobs; endsMs: number } | null = null;

  function current(): Knobs {
    if (storm !== null && now() >= storm.endsMs) storm = null;
    return storm?.knobs ?? base;
  }

  function view(): KnobsView {
    const knobs = current();
    const until = storm === null ? null : { until: new Date(storm.endsMs).toISOString() };
    return { knobs, base, storm: until };
  }

  function put(body: unknown): PutOutcome {
    const parsed = patchSchema.safeParse(body);
    if (!parsed.success) return { kind: 'invalid', reason: z.prettifyError(parsed.error) };
    const endsMs = endOf(parsed.data, now());
    const knobs = overlay(endsMs === null ? initial : base, parsed.data);
    const total = sumOf(knobs.faults);
    if (total > probabilityMax) {
      const reason = `with those below it the probabilities add up to ${total}; at most 1 is allowed`;
      return { kind: 'invalid', reason };
    }
    storm = endsMs === null ? null : { knobs, endsMs };
    if (endsMs === null) base = knobs;
    return { kind: 'set', view: view() };
  }

  return { current, view, put };
}

const quiet: Knobs = {
  seed: 1,
  latency: { ms: 0, jitterMs: 0 },
  faults: {},
  chooseBy: 'request',
  firstN: null,
  down: 'no',
  retryAfterS: null,
  tokensPerMinute: null,
  clockSkewMs: 0,
};

type ParsedPatch = z.output<typeof patchSchema>;

function overlay(below: Knobs, patch: ParsedPatch): Knobs {
  return {
    seed: patch.seed ?? below.seed,
    latency: patch.latency ?? below.latency,
    faults: { ...below.faults, ...patch.faults },
    chooseBy: patch.chooseBy ?? below.chooseBy,
    firstN: patch.firstN === undefined ? below.firstN : patch.firstN,
    down: patch.down ?? below.down,
    retryAfterS: patch.retryAfterS === undefined ? below.retryAfterS : patch.retryAfterS,
    tokensPerMinute:
      patch.tokensPerMinute === undefined ? below.tokensPerMinute : patch.tokensPerMinute,
    clockSkewMs: patch.clockSkewMs ?? below.clockSkewMs,
  };
}

function endOf(patch: ParsedPatch, nowMs: number): number | null {
  if (patch.forMs !== undefined) return nowMs + patch.forMs;
  return patch.until === undefined ? null : Date.parse(patch.until);
}

function sumOf(faults: Readonly<Partial<Record<FaultKind, number>>>): number {
  return Object.values(faults).reduce((sum, probability) => sum + probability, 0);
}

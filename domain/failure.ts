/**
 * Everything that can keep a record from an answer: one closed union. A kind is what programs decide
 * by and what `failures.jsonl` carries; the message is for people.
 */
export interface Failure {
  readonly kind: FailureKind;
  /** What was wrong, the value seen, what is allowed, what to do. Never a stack, a key or a prompt. */
  readonly message: string;
}

export type FailureKind = RenderFailureKind | AnswerFailureKind | RefusalKind | LostKind;

/** Before any call: nothing was sent. */
export type RenderFailureKind =
  | 'undefined-variable'
  | 'template-error'
  | 'render-limit'
  | 'prompt-too-large';

/** A paid answer that is not usable: HTTP said 200, the stop reason or the content says no. */
export type AnswerFailureKind =
  | 'answer-truncated'
  | 'content-filtered'
  | 'malformed-answer'
  | 'context-overflow'
  | 'empty-answer';

/** Certainly not billed: the allow-list of design section 4. */
export type RefusalKind =
  | 'throttled'
  | 'quota-exceeded'
  | 'unreachable'
  | 'service-unavailable'
  | 'model-not-ready'
  | 'request-refused'
  | 'access-denied'
  | 'model-not-found'
  | 'not-sent';

/** May have been billed: sent, and no answer that says what it cost. */
export type LostKind = 'no-answer' | 'provider-error';

/**
 * What a failed call means for its record:
 * - `try-again`: a new call of the same record after a back-off, up to the tries allowed.
 * - `fail-record`: the same call would fail again; the record is kept with its reason.
 * - `wait`: nothing is wrong with the record; it waits for the provider and no try is counted.
 * - `fail-job`: no call of this job can succeed until a person acts.
 */
export type Reaction = 'try-again' | 'fail-record' | 'wait' | 'fail-job';

const reactions: Record<FailureKind, Reaction> = {
  'undefined-variable': 'fail-record',
  'template-error': 'fail-record',
  'render-limit': 'fail-record',
  'prompt-too-large': 'fail-record',
  // The same prompt with the same maxTokens is cut again: trying again would pay for it again.
  'answer-truncated': 'fail-record',
  'content-filtered': 'fail-record',
  'malformed-answer': 'try-again',
  'context-overflow': 'fail-record',
  'empty-answer': 'try-again',
  throttled: 'wait',
  'quota-exceeded': 'wait',
  unreachable: 'wait',
  'service-unavailable': 'wait',
  'model-not-ready': 'wait',
  'request-refused': 'fail-record',
  'access-denied': 'fail-job',
  'model-not-found': 'fail-job',
  'not-sent': 'wait',
  'no-answer': 'try-again',
  'provider-error': 'try-again',
};

export function reactionTo(kind: FailureKind): Reaction {
  return reactions[kind];
}

export function failure(kind: FailureKind, message: string): Failure {
  return { kind, message };
}

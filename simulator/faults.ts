import type { FaultKind, Knobs, RefusalFault } from './knobs.ts';
import { faultKinds, refusalKinds } from './knobs.ts';
import type { ModelCall } from './model-call.ts';
import { drawOf, drawOfText } from './random.ts';
import { WireError } from './wire-error.ts';

/** What fired beside the faults of the knobs. */
export type OtherFault = 'tokensPerMinute' | 'downRefused' | 'downUnavailable' | 'clientGone';

export interface Faults {
  /** The fault that this call meets, counted; null for almost all. */
  next(call: ModelCall, knobs: Knobs): FaultKind | null;
  /** A number in [0, 1) for this call's jitter. */
  jitter(knobs: Knobs): number;
  count(kind: OtherFault): void;
  /** How often each kind fired; a kind that never did is absent. */
  fired(): Readonly<Record<string, number>>;
}

export function createFaults(): Faults {
  const fired = new Map<string, number>();
  let seenKnobs: Knobs | null = null;
  let requests = 0;

  function count(kind: string): void {
    fired.set(kind, (fired.get(kind) ?? 0) + 1);
  }

  function next(call: ModelCall, knobs: Knobs): FaultKind | null {
    // Counted from the change of the knobs, so that a storm hits the same requests each time it is set.
    if (knobs !== seenKnobs) {
      seenKnobs = knobs;
      requests = 0;
    }
    requests += 1;
    if (knobs.firstN !== null && requests > knobs.firstN) return null;
    const kind = chosen(knobs, draw(call, knobs, requests));
    if (kind !== null) count(kind);
    return kind;
  }

  return {
    next,
    jitter: (knobs) => drawOf(knobs.seed ^ 0x6a09e667, requests),
    count,
    fired: () => Object.fromEntries(fired),
  };
}

export function isRefusal(kind: FaultKind): kind is RefusalFault {
  return refusalKinds.some((refusal) => refusal === kind);
}

/** The error that a refusal is on the wire. */
export function refusalOf(kind: RefusalFault, retryAfterS: number | null): WireError {
  const { status, type, message, fields } = refusals[kind];
  const mayWait = status === 429 || status === 503 || status === 529;
  const headers =
    mayWait && retryAfterS !== null ? { 'retry-after': String(retryAfterS) } : undefined;
  return new WireError(status, type, message, {
    ...(headers === undefined ? {} : { headers }),
    ...(fields === undefined ? {} : { fields }),
  });
}

function draw(call: ModelCall, knobs: Knobs, request: number): number {
  switch (knobs.chooseBy) {
    case 'request':
      return drawOf(knobs.seed, request);
    case 'call': {
      const id = call.metadata['pp_call'];
      return id === undefined ? drawOf(knobs.seed, request) : drawOfText(knobs.seed, id);
    }
    case 'prompt':
      return drawOfText(knobs.seed, `${call.model}\n${call.system}\n${call.conversation}`);
  }
}

function chosen(knobs: Knobs, at: number): FaultKind | null {
  let end = 0;
  for (const kind of faultKinds) {
    const probability = knobs.faults[kind];
    if (probability === undefined) continue;
    end += probability;
    if (at < end) return kind;
  }
  return null;
}

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, string | number>>;
}

const unexpected =
  'The system encountered an unexpected error during processing. Try your request again.';

const refusals: Readonly<Record<RefusalFault, Refusal>> = {
  throttle: {
    status: 429,
    type: 'ThrottlingException',
    message: 'Too many tokens, please wait before trying again.',
  },
  throttleDaily: {
    status: 429,
    type: 'ThrottlingException',
    message: 'Too many tokens per day, please wait before trying again.',
  },
  modelNotReady: {
    status: 429,
    type: 'ModelNotReadyException',
    message: 'Model is not ready for inference. Wait and try your request again.',
  },
  serverError: { status: 500, type: 'InternalServerException', message: unexpected },
  unavailable: {
    status: 503,
    type: 'ServiceUnavailableException',
    message: 'Bedrock is unable to process your request.',
  },
  overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
  modelError: {
    status: 424,
    type: 'ModelErrorException',
    message: unexpected,
    fields: { originalStatusCode: 500, resourceName: 'simulated-model' },
  },
  modelTimeout: {
    status: 408,
    type: 'ModelTimeoutException',
    message: 'The model took too long to answer. Try your request again.',
  },
  accessDenied: {
    status: 403,
    type: 'AccessDeniedException',
    message: "You don't have access to the model with the specified model ID.",
  },
};

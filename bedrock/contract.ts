import type { Failure } from '#domain/failure.ts';
import type { LoggedUsage } from '#domain/logged-cost.ts';
import type { Usage } from '#domain/pricing.ts';

/** One call to a model, complete: what is sent, and whose money it is. */
export interface ModelRequest {
  readonly model: string;
  readonly system: string | null;
  readonly prompt: string;
  /** Always sent: it bounds the answer's cost. */
  readonly maxTokens: number;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly stop: readonly string[];
  /** Sent as `requestMetadata`, so that the provider's log can resolve a lost answer. */
  readonly hold: string;
  readonly call: string;
}

/** What a model said, whatever its stop reason: it is paid for. */
export interface Answer {
  readonly text: string;
  /** As on the wire: end_turn, stop_sequence, max_tokens, content_filtered, ... */
  readonly stopReason: string;
  readonly usage: Usage;
  readonly latencyMs: number;
  readonly requestId: string;
}

export type CallOutcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Certainly not billed. */
  | { readonly kind: 'not-billed'; readonly failure: Failure; readonly retryAfterMs: number | null }
  /** May have been billed in full. */
  | { readonly kind: 'unknown'; readonly failure: Failure };

export interface CallControls {
  /** Aborts a call that is already on the wire: its outcome is then unknown. */
  readonly signal: AbortSignal;
  /**
   * Awaited after the request is signed and before its first byte is written. Throws to keep it from
   * being sent (`not-sent`, not billed): the holder's fence of design section 4.
   */
  readonly beforeSend: () => Promise<void>;
}

export interface Model {
  /**
   * Whether requests carry a dated signature, which the provider refuses once it is old. Where they do
   * not (a bearer token), a late request cannot be ruled out, and the missing log entry of a call is
   * no evidence that it was not billed.
   */
  readonly isSigned: boolean;
  /** One attempt, never a hidden retry. Never rejects: every error is classified. */
  call(request: ModelRequest, controls: CallControls): Promise<CallOutcome>;
  close(): Promise<void>;
}

/** Leave to start one call; the outcome must be told exactly once. */
export interface Permit {
  /** Tells the gate how the call ended, which moves its limit and its circuit. */
  done(outcome: CallOutcome): void;
  /** The call was not made, or was aborted by us: its end says nothing about the provider. */
  release(): void;
}

/** Times are milliseconds since the epoch. */
export type GateState =
  | { readonly kind: 'flowing' }
  | { readonly kind: 'throttled'; readonly sinceMs: number; readonly limit: number }
  /** Too many calls in a row failed: nothing is sent until `probeAtMs`, then one call tries. */
  | {
      readonly kind: 'open';
      readonly sinceMs: number;
      readonly probeAtMs: number;
      readonly failure: Failure;
    };

/** The process-wide limiter of calls to one model: concurrency by AIMD, optional rates, a circuit. */
export interface CallGate {
  /**
   * Waits for leave to call. Resolves `'open'` at once while the circuit is open, so that the batch can
   * hand itself back instead of waiting; rejects only when the signal aborts.
   */
  admit(signal: AbortSignal): Promise<Permit | 'open'>;
  state(): GateState;
}

/** The gate of each model in this process. */
export type CallGates = (model: string) => CallGate;

/** The provider's own account of the calls that it billed. */
export interface ProviderLog {
  /** What these bytes say, a line at a time: one file or several after each other, gzip or not. */
  read(bytes: AsyncIterable<Uint8Array>): AsyncIterable<LogLine>;
  /** The log at the place that the operator named; null where none was named. */
  readonly kept: (() => AsyncIterable<LogLine>) | null;
}

export type LogLine =
  /** A call made under one of our holds. */
  | {
      readonly kind: 'call';
      readonly hold: string;
      readonly call: string;
      readonly requestId: string;
      readonly model: string;
      /** RFC 3339. */
      readonly at: string;
      /** Null where the record does not say what was used. */
      readonly usage: LoggedUsage | null;
    }
  /** A call under one of our holds that ended in an error, with no tokens counted: not billed. */
  | { readonly kind: 'failed-call'; readonly at: string }
  /** Somebody else's call, or a record of another kind. */
  | { readonly kind: 'other'; readonly at: string | null }
  /** No record: cut off, damaged, or too long. `line` counts from 1. */
  | { readonly kind: 'broken'; readonly line: number; readonly reason: string }
  /** Nothing behind this can be read: the log as a whole is of no use. */
  | { readonly kind: 'unreadable'; readonly reason: string };

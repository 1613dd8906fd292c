/** What one call holds of its model's tokens per minute until it settles. */
export interface Reservation {
  settle(usedTokens: number): void;
}

export interface TokenBuckets {
  /** Null when the tokens do not fit now: the call is throttled. */
  reserve(model: string, tokens: number, perMinute: number): Reservation | null;
}

/** A bucket for each model, refilled continuously, as full as one minute's quota at most. */
export function createTokenBuckets(now: () => number): TokenBuckets {
  const buckets = new Map<string, { level: number; atMs: number; perMinute: number }>();

  function bucketOf(model: string, perMinute: number) {
    const known = buckets.get(model);
    if (known !== undefined && known.perMinute === perMinute) return known;
    const fresh = { level: perMinute, atMs: now(), perMinute };
    buckets.set(model, fresh);
    return fresh;
  }

  return {
    reserve(model, tokens, perMinute) {
      const bucket = bucketOf(model, perMinute);
      const nowMs = now();
      const refill = (Math.max(0, nowMs - bucket.atMs) * perMinute) / 60_000;
      bucket.level = Math.min(perMinute, bucket.level + refill);
      bucket.atMs = nowMs;
      if (tokens > bucket.level) return null;
      bucket.level -= tokens;
      return {
        settle: (usedTokens) => {
          bucket.level = Math.min(perMinute, bucket.level + tokens - usedTokens);
        },
      };
    },
  };
}

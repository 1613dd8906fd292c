import { type Clock, systemClock } from '#activities/ports.ts';
import type { GateClock } from '#bedrock/call-gate.ts';

/** The machine's time, in which nobody sleeps: back-offs cost a test no time. */
export function hurriedClock(over: Partial<Clock> = {}): Clock {
  return {
    ...systemClock,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    ...over,
  };
}

/** A gate's time that jumps over every wait. */
export function hurriedGateClock(): GateClock {
  let jumpedMs = 0;
  return {
    nowMs: () => performance.timeOrigin + performance.now() + jumpedMs,
    after(ms, action) {
      const timer = setImmediate(() => {
        jumpedMs += ms + 1;
        action();
      });
      return () => clearImmediate(timer);
    },
  };
}

/**
 * Stops what cannot be right. A failed assertion is a bug, never a condition: it stalls the job that
 * met it, so that nothing further is spent, and stays on in production.
 */
export function assert(isTrue: boolean, message: string): asserts isTrue {
  if (!isTrue) throw new Error(`Assertion failed: ${message}`);
}

// Four parameters at most; three are the aim.
export function four(a: number, b: number, c: number, d: number): number {
  return a + b + c + d;
}

type N = number;

// refused: eslint(max-params)
export function five(a: N, b: N, c: N, d: N, e: N): N {
  return a + b + c + d + e;
}

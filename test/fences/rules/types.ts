// Input is parsed, never asserted.
export function asserts(input: unknown): string {
  return input as string; // refused: typescript(no-unsafe-type-assertion)
}

export type Anything = any; // refused: typescript(no-explicit-any)

// @ts-ignore // refused: typescript(ban-ts-comment)
export const constant = ['a', 'b'] as const;

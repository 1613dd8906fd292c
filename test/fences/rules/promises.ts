// A promise is awaited, or held in a named set that is drained.
async function work(): Promise<void> {}

export async function forgets(): Promise<void> {
  work(); // refused: typescript(no-floating-promises)
  await work();
}

export function passes(items: readonly string[]): void {
  items.forEach(async () => work()); // refused: typescript(no-misused-promises)
}

export async function waits(count: number): Promise<number> {
  const more = await count; // refused: typescript(await-thenable)
  return more;
}

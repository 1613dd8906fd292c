/**
 * Ends an import: after this place nothing in the input can be trusted. Thrown by the readers, translated into
 * a problem by `importSeeds`, never seen by its caller.
 */
export class SeedRefusal extends Error {
  readonly line: number | null;

  constructor(line: number | null, detail: string) {
    super(detail);
    this.name = 'SeedRefusal';
    this.line = line;
  }
}

/** The text as a message can show it: quoted, escaped, at most 40 characters. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

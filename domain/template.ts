/** A template as the engine uses it: parsed, validated, with its step graph. YAML stays at the edge. */
export type Tier = 'cheap' | 'balanced' | 'premium';

export interface Template {
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly steps: readonly Step[];
}

export interface Step {
  /** `[A-Za-z0-9_]{1,64}`; unique in its template. */
  readonly id: string;
  /** An explicit model wins over the tier. */
  readonly model: string | null;
  readonly tier: Tier;
  /** Template text of the user turn. */
  readonly prompt: string;
  /** Template text of the system prompt. */
  readonly system: string | null;
  /** A template expression; the step is skipped where it is false. */
  readonly when: string | null;
  readonly maxTokens: number;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly stop: readonly string[];
}

/** A step and the steps whose outputs it reads, in the order of the template. */
export interface StepNode {
  readonly id: string;
  readonly needs: readonly string[];
}

/** A name that the template reads from the seed row. */
export interface Variable {
  /** Dotted path from the row, for instance `author.name`. */
  readonly path: string;
  /** First use. */
  readonly step: string;
  readonly line: number;
  /**
   * `required`: printed wherever the step is rendered, so a row without it fails.
   * `optional`: read only behind a condition or a default.
   */
  readonly use: 'required' | 'optional';
}

/** How an undefined variable is treated: an error that names it, or empty text as old templates expect. */
export type UndefinedMode = 'error' | 'empty';

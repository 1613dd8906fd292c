/** What reading a template's tree, without running it, can tell. */
export interface Analysis {
  readonly problems: Note[];
  readonly warnings: Note[];
  /** Names read from the seed row, in order of appearance, each once. */
  readonly variables: VariableUse[];
  readonly steps: StepUse[];
}

export interface Note {
  readonly line: number;
  readonly detail: string;
}

export interface VariableUse {
  readonly path: string;
  readonly line: number;
  readonly isRequired: boolean;
}

export interface StepUse {
  readonly id: string;
  readonly line: number;
}

/** What is being gathered while a tree is read. */
export interface Reader {
  readonly analysis: Analysis;
  readonly variables: Map<string, VariableUse>;
  /** Macros of the whole text: one may call another that is defined after it. */
  readonly macros: Set<string>;
}

/** Where something is read: the names bound there, and whether every rendering comes by. */
export interface Place {
  readonly names: Set<string>;
  readonly isCertain: boolean;
}

/** `needed`: an undefined value would fail here. `tested`: it would be taken as false or replaced. */
export type Need = 'needed' | 'tested';

export function openReader(): Reader {
  const variables = new Map<string, VariableUse>();
  const analysis: Analysis = {
    problems: [],
    warnings: [],
    get variables() {
      return [...variables.values()];
    },
    steps: [],
  };
  return { analysis, variables, macros: new Set() };
}

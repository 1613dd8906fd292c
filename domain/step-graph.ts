import { nearestName } from './nearest-name.ts';
import type { StepNode } from './template.ts';

/** A reference from one step to another, where it is written. */
export interface StepReference {
  readonly from: string;
  readonly to: string;
  readonly text: 'prompt' | 'system' | 'when';
  readonly line: number;
}

export interface ReferenceProblem {
  readonly reference: StepReference;
  readonly detail: string;
}

export type StepGraph =
  | {
      readonly kind: 'ordered';
      readonly nodes: readonly StepNode[];
      readonly order: readonly string[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly ReferenceProblem[] };

/**
 * Which step needs which, and an order in which each comes after what it needs. References to unknown steps, to the
 * step itself and around a cycle are problems, each at the reference that causes it.
 */
export function stepGraph(ids: readonly string[], references: readonly StepReference[]): StepGraph {
  const wrong = references.flatMap((reference) => {
    const detail = whyWrong(ids, reference);
    return detail === null ? [] : [{ reference, detail }];
  });
  if (wrong.length > 0) return { kind: 'invalid', problems: wrong };
  const nodes = ids.map((id) => ({ id, needs: needsOf(ids, id, references) }));
  const order = topologicalOrder(nodes);
  if (order.length === nodes.length) return { kind: 'ordered', nodes, order };
  return { kind: 'invalid', problems: cycleProblems(nodes, new Set(order), references) };
}

function whyWrong(ids: readonly string[], { from, to }: StepReference): string | null {
  if (from === to) return `step "${from}" reads its own output, which does not exist before it ran`;
  if (ids.includes(to)) return null;
  const nearest = nearestName(to, ids);
  const advice = nearest === null ? `steps are ${ids.join(', ')}` : `did you mean "${nearest}"?`;
  return `there is no step "${to}"; ${advice}`;
}

function needsOf(
  ids: readonly string[],
  from: string,
  references: readonly StepReference[],
): string[] {
  const needed = new Set(
    references.filter((reference) => reference.from === from).map(({ to }) => to),
  );
  return ids.filter((id) => needed.has(id));
}

/** Steps in the template's order as far as their needs allow; those on or behind a cycle are left out. */
export function topologicalOrder(nodes: readonly StepNode[]): string[] {
  const done: string[] = [];
  for (let found = true; found; ) {
    const next = nodes.find(
      ({ id, needs }) => !done.includes(id) && needs.every((need) => done.includes(need)),
    );
    found = next !== undefined;
    if (next !== undefined) done.push(next.id);
  }
  return done;
}

function cycleProblems(
  nodes: readonly StepNode[],
  ordered: ReadonlySet<string>,
  references: readonly StepReference[],
): ReferenceProblem[] {
  const path = cyclePath(nodes, ordered);
  const [from, to] = path;
  const reference = references.find((one) => one.from === from && one.to === to);
  if (reference === undefined) throw new Error('a cycle of steps without a reference in it');
  return [{ reference, detail: `steps wait for each other: ${path.join(' needs ')}` }];
}

/** From any unordered step along its unordered needs, the first step met twice closes a cycle. */
function cyclePath(nodes: readonly StepNode[], ordered: ReadonlySet<string>): string[] {
  const path: string[] = [];
  let at = nodes.find(({ id }) => !ordered.has(id));
  while (at !== undefined && !path.includes(at.id)) {
    path.push(at.id);
    const next = at.needs.find((need) => !ordered.has(need));
    at = nodes.find(({ id }) => id === next);
  }
  return at === undefined ? path : [...path.slice(path.indexOf(at.id)), at.id];
}

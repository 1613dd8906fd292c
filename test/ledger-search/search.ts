/** Breadth first over every order of events: the first violation found has a shortest trace. */
import { initialState, successors } from './events.ts';
import { type Config, keyOf, type State, Violation } from './model.ts';
import type { Rules } from './rules.ts';
import type { World } from './steps.ts';

export type SearchResult =
  | { readonly kind: 'exhausted'; readonly states: number; readonly transitions: number }
  | {
      readonly kind: 'violated';
      readonly states: number;
      readonly broken: string;
      readonly trace: readonly string[];
    };

/** Several times what a configuration needs: a search beyond it has lost its bound, and memory is finite. */
const statesMax = 1_000_000;

/** Every state that can be reached, or the shortest way to one where a promise about money is broken. */
export function search(config: Config, rules: Rules): SearchResult {
  const world: World = { config, rules };
  const initial = initialState(config);
  const keys: string[] = [keyOf(config, initial)];
  const parents: number[] = [-1];
  const seen = new Set(keys);
  let level: { state: State; index: number }[] = [{ state: initial, index: 0 }];
  let transitions = 0;
  while (level.length > 0) {
    const nextLevel: typeof level = [];
    for (const { state, index } of level) {
      for (const { label, next } of successors(world, state)) {
        transitions += 1;
        if (next instanceof Violation) {
          const trace = [...traceTo(world, pathTo(index, keys, parents)), label];
          return { kind: 'violated', states: keys.length, broken: next.message, trace };
        }
        const key = keyOf(config, next);
        if (seen.has(key)) continue;
        seen.add(key);
        nextLevel.push({ state: next, index: keys.length });
        keys.push(key);
        parents.push(index);
      }
    }
    if (keys.length > statesMax) throw new Error(`${config.name} has over ${statesMax} states`);
    level = nextLevel;
  }
  return { kind: 'exhausted', states: keys.length, transitions };
}

function pathTo(index: number, keys: readonly string[], parents: readonly number[]): string[] {
  const path: string[] = [];
  for (let at = index; at > 0; at = parents[at] ?? 0) path.push(keys[at] ?? '');
  return path.toReversed();
}

/** Walks the path again, so that no label needs to be kept for any state. */
function traceTo(world: World, path: readonly string[]): string[] {
  const labels: string[] = [];
  let state = initialState(world.config);
  for (const key of path) {
    for (const { label, next } of successors(world, state)) {
      if (next instanceof Violation || keyOf(world.config, next) !== key) continue;
      labels.push(label);
      state = next;
      break;
    }
  }
  return labels;
}

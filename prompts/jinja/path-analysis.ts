import { dictMethodNames } from './methods.ts';
import type { Need, Place, Reader } from './analysis-state.ts';
import type { Expression } from './syntax.ts';

/**
 * Notes a name with what is read from it: `author.books[0].title`. Returns the expressions within it that are to be
 * read on their own: computed keys, and what the path starts from if that is no name.
 */
export function readPath(reader: Reader, node: Expression, place: Place, need: Need): Expression[] {
  const { root, keys } = chainOf(node);
  refuseHidden(reader, node, place);
  const computed = keys.filter((key) => key.value === null).map((key) => key.node);
  if (root.kind !== 'name') return [root, ...computed];
  if (root.name === 'steps') {
    readSteps(reader, root.line, keys);
  } else if (!place.names.has(root.name)) {
    const known = keys.findIndex((key) => typeof key.value !== 'string');
    const named = known === -1 ? keys : keys.slice(0, known);
    const parts = [root.name, ...named.map((key) => key.value)];
    const path = (root.name === 'row' ? parts.slice(1) : parts).join('.');
    if (path !== '') addVariable(reader, path, root.line, need === 'needed' && place.isCertain);
  }
  return computed;
}

interface Key {
  /** The field or position that is read; null where only a rendering knows. */
  readonly value: string | number | null;
  readonly node: Expression;
  readonly line: number;
}

function chainOf(node: Expression): { root: Expression; keys: Key[] } {
  const keys: Key[] = [];
  let root = node;
  while (root.kind === 'attribute' || root.kind === 'item') {
    if (root.kind === 'attribute') {
      keys.unshift({ value: root.name, node: root, line: root.line });
    } else {
      const { key } = root;
      const value = key.kind === 'constant' ? key.value : null;
      const isKnown = typeof value === 'string' || typeof value === 'number';
      keys.unshift({ value: isKnown ? value : null, node: key, line: root.line });
    }
    root = root.object;
  }
  return { root, keys };
}

/** Python's inner attributes, and fields that Jinja2 would answer with a method instead of the data. */
function refuseHidden(reader: Reader, node: Expression, place: Place): void {
  let at = node;
  for (; at.kind === 'attribute' || at.kind === 'item'; at = at.object) {
    if (at.kind !== 'attribute') continue;
    if (at.name.startsWith('__')) {
      reader.analysis.problems.push({
        line: at.line,
        detail: `"${at.name}" is not readable: names with __ are internal`,
      });
    } else if (dictMethodNames.has(at.name) && !isBoundRoot(at, place)) {
      reader.analysis.problems.push({
        line: at.line,
        detail: `".${at.name}" is a method of every dict; write ['${at.name}'] for the field, or ${at.name}() to call it`,
      });
    }
  }
}

/** A name that the template bound may be a namespace, whose attributes are its own. */
function isBoundRoot(node: Expression, place: Place): boolean {
  const { root } = chainOf(node);
  return root.kind === 'name' && place.names.has(root.name);
}

function readSteps(reader: Reader, line: number, keys: readonly Key[]): void {
  const { problems, warnings, steps } = reader.analysis;
  const [id, output, ...rest] = keys;
  if (id === undefined) {
    problems.push({ line, detail: '"steps" alone is not readable; write steps.<id>.output' });
  } else if (typeof id.value !== 'string') {
    problems.push({
      line,
      detail:
        'steps[…] needs a fixed id, so that the order of steps is known; write steps.<id>.output',
    });
  } else {
    steps.push({ id: id.value, line });
    if (output === undefined) {
      warnings.push({
        line,
        detail: `"steps.${id.value}" is not the text of that step; write steps.${id.value}.output`,
      });
    } else if (output.value !== 'output') {
      problems.push({ line, detail: `a step has only "output"; write steps.${id.value}.output` });
    } else if (typeof rest[0]?.value === 'string') {
      warnings.push({
        line,
        detail: `the output of step "${id.value}" is text and has no "${rest[0].value}"`,
      });
    }
  }
}

function addVariable(reader: Reader, path: string, line: number, isRequired: boolean): void {
  const known = reader.variables.get(path);
  if (known === undefined || (isRequired && !known.isRequired)) {
    reader.variables.set(path, { path, line: known?.line ?? line, isRequired });
  }
}

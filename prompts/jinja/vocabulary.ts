import { nearestName } from '#domain/nearest-name.ts';
import type { Note } from './analysis-state.ts';
import { filters, refusedFilters } from './filters.ts';
import type { CallArguments, Expression } from './syntax.ts';
import { refusedTests, testNamed, testNames } from './tests.ts';

/**
 * In Jinja2 these make marked-up text, which later joins escape. A prompt is plain text: they are only the same where
 * nothing comes after them.
 */
export const lastOnlyFilters: ReadonlySet<string> = new Set(['safe', 'e', 'escape', 'forceescape']);

/** What is wrong with the use of a filter: its name, how many arguments, their names. */
export function checkFilter(name: string, call: CallArguments, line: number): Note[] {
  const filter = filters.get(name);
  if (filter === undefined) return [{ line, detail: unknownFilter(name) }];
  const { parameters, least } = filter;
  if (parameters === null) return checkOpenFilter(name, call, line);
  const given = [...parameters.slice(0, call.args.length), ...call.named.map(([key]) => key)];
  const needed = parameters.slice(0, least).filter((parameter) => !given.includes(parameter));
  const unknown = call.named.map(([key]) => key).filter((key) => !parameters.includes(key));
  const notes: string[] = [];
  if (call.args.length > parameters.length) {
    notes.push(
      `filter "${name}" takes at most ${parameters.length} arguments, ${call.args.length} are given`,
    );
  }
  if (needed.length > 0)
    notes.push(`filter "${name}" needs ${needed.map((key) => `"${key}"`).join(' and ')}`);
  for (const key of unknown) {
    const known = parameters.length === 0 ? 'it takes none' : `known are ${parameters.join(', ')}`;
    notes.push(`filter "${name}" has no parameter "${key}"; ${known}`);
  }
  return notes.map((detail) => ({ line, detail }));
}

function unknownFilter(name: string): string {
  const reason = refusedFilters.get(name);
  if (reason !== undefined) return `filter "${name}" is not supported: ${reason}`;
  const nearest = nearestName(name, filters.keys());
  const advice =
    nearest === null
      ? `known are ${[...filters.keys()].sort().join(', ')}`
      : `did you mean "${nearest}"?`;
  return `unknown filter "${name}"; ${advice}`;
}

/** map and select name another filter or test, which must be known as well. */
function checkOpenFilter(name: string, call: CallArguments, line: number): Note[] {
  if (name === 'format') return [];
  if (name === 'map') return checkMap(call, line);
  const isByAttribute = name.endsWith('attr');
  if (call.named.length > 0) return [{ line, detail: `filter "${name}" takes no named arguments` }];
  if (isByAttribute && call.args.length === 0) {
    return [{ line, detail: `filter "${name}" needs the name of an attribute` }];
  }
  const [test, ...rest] = isByAttribute ? call.args.slice(1) : call.args;
  if (test === undefined) return [];
  const testName = constantText(test);
  if (testName === null)
    return [{ line, detail: `filter "${name}" needs the name of its test as a fixed text` }];
  return checkTestName(testName, rest.length, line);
}

function checkMap(call: CallArguments, line: number): Note[] {
  const [first, ...rest] = call.args;
  if (first === undefined) {
    const names = call.named.map(([key]) => key);
    const isFine =
      names.includes('attribute') && names.every((key) => key === 'attribute' || key === 'default');
    return isFine
      ? []
      : [
          {
            line,
            detail: 'filter "map" needs the name of a filter, or attribute=… and perhaps default=…',
          },
        ];
  }
  const inner = constantText(first);
  if (inner === null)
    return [{ line, detail: 'filter "map" needs the name of its filter as a fixed text' }];
  if (lastOnlyFilters.has(inner))
    return [{ line, detail: `filter "${inner}" may only come last in {{ … }}` }];
  return checkFilter(inner, { args: rest, named: call.named }, line);
}

function constantText(node: Expression): string | null {
  return node.kind === 'constant' && typeof node.value === 'string' ? node.value : null;
}

/** What is wrong with the use of a test. */
export function checkTest(node: Expression & { kind: 'test' }): Note[] {
  if (node.named.length > 0)
    return [{ line: node.line, detail: `test "${node.name}" takes no named arguments` }];
  return checkTestName(node.name, node.args.length, node.line);
}

function checkTestName(name: string, given: number, line: number): Note[] {
  const test = testNamed(name);
  if (test !== null) {
    if (given === test.arity) return [];
    return [{ line, detail: `test "${name}" takes ${test.arity} arguments, ${given} are given` }];
  }
  const reason = refusedTests.get(name);
  if (reason !== undefined) return [{ line, detail: `test "${name}" is not supported: ${reason}` }];
  const nearest = nearestName(name, testNames);
  const advice =
    nearest === null
      ? `known are ${[...testNames].sort().join(', ')}`
      : `did you mean "${nearest}"?`;
  return [{ line, detail: `unknown test "${name}"; ${advice}` }];
}

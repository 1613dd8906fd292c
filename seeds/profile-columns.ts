import type { Json, JsonObject } from '#domain/json.ts';
import type { SeedColumn } from '#store/contract.ts';
import type { SeedLimits } from './contract.ts';
import { SeedRefusal, shown } from './refusal.ts';

/** What is known of the top-level keys of all rows, in the order of their first appearance. */
export interface ColumnProfile {
  add(row: JsonObject, line: number): void;
  all(): SeedColumn[];
}

export function createColumnProfile(
  limits: Pick<SeedLimits, 'columnsMax' | 'columnNameMax'>,
): ColumnProfile {
  const columns = new Map<string, { present: number; nulls: number; types: Set<string> }>();

  function add(row: JsonObject, line: number): void {
    for (const [name, value] of Object.entries(row)) {
      const column = columns.get(name) ?? start(name, line);
      column.present += 1;
      if (value === null) column.nulls += 1;
      column.types.add(typeOf(value));
    }
  }

  function start(name: string, line: number) {
    if (name.length > limits.columnNameMax) {
      throw new SeedRefusal(
        line,
        `The key ${shown(name)} has ${name.length} characters; at most ${limits.columnNameMax} are allowed.`,
      );
    }
    if (columns.size >= limits.columnsMax) {
      throw new SeedRefusal(
        line,
        `The key ${shown(name)} is one more than the ${limits.columnsMax} that all rows together may have. ` +
          'Move values that name things into a list or a nested object.',
      );
    }
    const column = { present: 0, nulls: 0, types: new Set<string>() };
    columns.set(name, column);
    return column;
  }

  function all(): SeedColumn[] {
    return [...columns].map(([name, { present, nulls, types }]) => ({
      name,
      present,
      nulls,
      types: [...types].toSorted(),
    }));
  }

  return { add, all };
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

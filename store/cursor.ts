import { z } from 'zod';
import { BadCursor, type Page, type PageQuery } from './contract.ts';

/** Where a page ended: the sort key of its last item, opaque to whoever carries it. */
export type Position = readonly string[];

const pageLimitMax = 1000;
const positionSchema = z.array(z.string());

/** The position that `after` stands for, or null for the first page; throws BadCursor on any other text. */
export function readCursor(after: string | null, parts: number): Position | null {
  if (after === null) return null;
  const position = positionSchema.safeParse(parsed(Buffer.from(after, 'base64url').toString()));
  if (!position.success || position.data.length !== parts) throw new BadCursor(after);
  return position.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The rows to ask for: one more than the page holds, which tells whether another page follows. */
export function rowsToRead(query: PageQuery): number {
  const { limit } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimitMax) {
    throw new Error(`a page's limit is ${limit}; allowed are 1 to ${pageLimitMax}`);
  }
  return limit + 1;
}

/** The page made of the rows that `rowsToRead` asked for. */
export function pageOf<Item>(
  rows: readonly Item[],
  limit: number,
  positionOf: (item: Item) => Position,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items, next: null };
  return { items, next: Buffer.from(JSON.stringify(positionOf(last))).toString('base64url') };
}

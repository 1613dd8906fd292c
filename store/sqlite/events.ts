import { z } from 'zod';
import type { Events, JobEvent } from '#store/contract.ts';
import { countSchema, jsonObjectSchema } from '#store/schemas.ts';
import type { Database } from './database.ts';

/** Events of jobs, numbered by the database itself so that two writers never share a number. */
export function createEvents(database: Database): Events {
  const append = database.prepare(
    `INSERT INTO events SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4 FROM events WHERE job = ?1
     RETURNING seq`,
  );
  const read = database.prepare(
    'SELECT seq, at, type, data FROM events WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?',
  );
  return {
    append: (jobId, { at, type, data }) =>
      database.write(() => {
        const row = append.get(jobId, at, type, JSON.stringify(data));
        return { seq: numberSchema.parse(row).seq, at, type, data };
      }),
    read: (jobId, after, limit) =>
      database.read(() => read.all(jobId, after, limit).map((row) => toEvent(row))),
  };
}

const numberSchema = z.object({ seq: countSchema });
const rowSchema = z.object({
  seq: countSchema,
  at: z.string(),
  type: z.string(),
  data: z.string(),
});

function toEvent(row: unknown): JobEvent {
  const { seq, at, type, data } = rowSchema.parse(row);
  return { seq, at, type, data: jsonObjectSchema.parse(JSON.parse(data)) };
}

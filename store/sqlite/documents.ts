import { z } from 'zod';
import type { SeedSets, Templates } from '#store/contract.ts';
import { seedSetSchema, storedTemplateSchema } from '#store/schemas.ts';
import type { Database } from './database.ts';

/** Templates: put once, never changed. */
export function createTemplates(database: Database): Templates {
  return createDocuments(database, 'templates', storedTemplateSchema);
}

/** Seed sets: put once, never changed. The rows themselves are objects. */
export function createSeedSets(database: Database): SeedSets {
  return createDocuments(database, 'seed_sets', seedSetSchema);
}

const rowSchema = z.object({ body: z.string() });

function createDocuments<Document extends { readonly id: string }>(
  database: Database,
  table: 'templates' | 'seed_sets',
  schema: z.ZodType<Document>,
) {
  const put = database.prepare(`INSERT OR IGNORE INTO ${table} (id, body) VALUES (?, ?)`);
  const byId = database.prepare(`SELECT body FROM ${table} WHERE id = ?`);

  function standing(id: string): Document | null {
    const row = byId.get(id);
    return row === undefined ? null : schema.parse(JSON.parse(rowSchema.parse(row).body));
  }

  return {
    put: (document: Document) =>
      database.write(() => {
        put.run(document.id, JSON.stringify(document));
        return standing(document.id) ?? document;
      }),
    get: (id: string) => database.read(() => standing(id)),
  };
}

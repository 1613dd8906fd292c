import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Store } from '#store/contract.ts';
import { createEvidence } from '#store/evidence.ts';
import { createJournal } from '#store/files/journal.ts';
import { createObjects } from '#store/files/objects.ts';
import { openDatabase } from '#store/sqlite/database.ts';
import { createSeedSets, createTemplates } from '#store/sqlite/documents.ts';
import { createEvents } from '#store/sqlite/events.ts';
import { createJobs } from '#store/sqlite/jobs.ts';
import { createLedger } from '#store/sqlite/ledger.ts';

/**
 * The store of a laptop: `<home>/plot.db`, `<home>/objects/` and `<home>/journal/`, made where absent. Many
 * processes may have the same home open. Rejects where a newer version wrote it.
 */
export async function openLocalStore({ home }: { readonly home: string }): Promise<Store> {
  const folder = resolve(home);
  await mkdir(folder, { recursive: true });
  const database = await openDatabase(join(folder, 'plot.db'));
  const journal = createJournal(join(folder, 'journal'));
  const objects = createObjects(join(folder, 'objects'));
  return {
    ledger: createLedger(database),
    jobs: createJobs(database),
    templates: createTemplates(database),
    seedSets: createSeedSets(database),
    events: createEvents(database),
    objects,
    journal,
    evidence: createEvidence(objects),
    close: async () => {
      await journal.close();
      database.close();
    },
  };
}

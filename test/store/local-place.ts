import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '#store/contract.ts';
import { openLocalStore } from '#store/local-store.ts';
import type { Place } from './conformance/place.ts';

export interface LocalPlace extends Place {
  readonly home: string;
}

export async function makeLocalPlace(): Promise<LocalPlace> {
  const home = await mkdtemp(join(tmpdir(), 'plot-store-'));
  const opened: Store[] = [];
  return {
    home,
    open: async () => {
      const store = await openLocalStore({ home });
      opened.push(store);
      return store;
    },
    remove: async () => {
      await Promise.all(opened.map((store) => store.close()));
      await rm(home, { recursive: true, force: true });
    },
  };
}

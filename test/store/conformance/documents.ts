import { describe, expect, it } from 'vitest';
import type { SeedSet, StoredTemplate } from '#store/contract.ts';
import { inStores, type MakePlace } from './place.ts';

const at = '2026-01-02T03:04:05.678Z';

/** What every Templates and SeedSets does, whatever it is made of. */
export function documentsConformance(makePlace: MakePlace): void {
  describe('templates', () => {
    it('the first one stands, when the same template is put again', () =>
      inStores(makePlace, async (store, other) => {
        expect(await store.templates.get(template.id)).toBeNull();
        expect(await store.templates.put(template)).toEqual(template);
        const later = { ...template, createdAt: 'later' };
        expect(await other.templates.put(later)).toEqual(template);
        expect(await other.templates.get(template.id)).toEqual(template);
      }));
  });

  describe('seed sets', () => {
    it('the first one stands, when the same rows are put again', () =>
      inStores(makePlace, async (store, other) => {
        expect(await store.seedSets.get(seedSet.id)).toBeNull();
        expect(await store.seedSets.put(seedSet)).toEqual(seedSet);
        expect(await other.seedSets.put({ ...seedSet, createdAt: 'later' })).toEqual(seedSet);
        expect(await other.seedSets.get(seedSet.id)).toEqual(seedSet);
      }));
  });
}

const template: StoredTemplate = {
  id: 'tpl_1',
  sha256: 'aa',
  document: 'name: blurbs\n# ünïcode \u2028 \u0001',
  template: {
    name: 'blurbs',
    description: '',
    category: 'x',
    steps: [
      {
        id: 's',
        model: null,
        tier: 'cheap',
        prompt: '{{ title }}',
        system: null,
        when: null,
        maxTokens: 10,
        temperature: 0.5,
        topP: null,
        stop: ['\n'],
      },
    ],
  },
  graph: [{ id: 's', needs: [] }],
  variables: [{ path: 'title', step: 's', line: 1, use: 'required' }],
  warnings: ['w'],
  createdAt: at,
};

const seedSet: SeedSet = {
  id: 'seeds_1',
  sha256: 'bb',
  rows: 2,
  bytes: 20,
  chunkRows: 1000,
  createdAt: at,
  chunks: [{ key: 'seeds/bb/0', rows: 2, sha256: 'cc' }],
  columns: [{ name: 'title', present: 2, nulls: 1, types: ['null', 'string'] }],
};

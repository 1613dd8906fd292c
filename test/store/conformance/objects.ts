import { describe, expect, it } from 'vitest';
import type { Objects } from '#store/contract.ts';
import { inStores, type MakePlace } from './place.ts';

const allowedKeys: [title: string, key: string][] = [
  ['one segment', 'a'],
  ['folders', 'a/b/c.json'],
  ['every kind of character', 'A-z_0.9'],
  ['three points', '...'],
  ['points before letters', 'a/..b'],
  ['a segment of 255', 'x'.repeat(255)],
  ['1,024 characters', `${'x/'.repeat(511)}xx`],
];

const refusedKeys: [title: string, key: string][] = [
  ['empty', ''],
  ['only a slash', '/'],
  ['from the root', '/a'],
  ['a slash at the end', 'a/'],
  ['an empty segment', 'a//b'],
  ['this folder', '.'],
  ['the folder above', '..'],
  ['the folder above inside', 'a/../b'],
  ['this folder inside', './a'],
  ['a space', 'a b'],
  ['a backslash', 'a\\b'],
  ['a letter beyond ASCII', 'ü'],
  ['a line break', 'a\n'],
  ['a zero', 'a\0'],
  ['a name of a temporary file', '~a'],
  ['a segment of 256', 'x'.repeat(256)],
  ['1,025 characters', `${'x/'.repeat(512)}x`],
];

/** What every Objects does, whatever it is made of. */
export function objectsConformance(makePlace: MakePlace): void {
  describe('keys', () => {
    it.each(allowedKeys)('%s: allowed', (_title, key) =>
      inStores(makePlace, async ({ objects }) => {
        await objects.put(key, bytesOf('x'));
        expect(textOf(await objects.get(key))).toBe('x');
      }),
    );

    it.each(refusedKeys)('%s: refused by every method', (_title, key) =>
      inStores(makePlace, async ({ objects }) => {
        const calls = [
          () => objects.put(key, bytesOf('x')),
          () => objects.putIfAbsent(key, bytesOf('x')),
          () => objects.get(key),
          () => objects.read(key),
          () => objects.write(key),
          () => objects.delete(key),
        ];
        for (const call of calls) await expect(call()).rejects.toThrow(/allowed are/);
      }),
    );
  });

  it('putIfAbsent: one of many stores its bytes, when processes race for a key', () =>
    inStores(makePlace, async (store, other) => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).objects.putIfAbsent('parts/1', bytesOf(`${index}`)),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
      expect(textOf(await store.objects.get('parts/1'))).toBe(`${outcomes.indexOf('stored')}`);
    }));

  it('putIfAbsent: what stands is kept, when it was put otherwise', () =>
    inStores(makePlace, async ({ objects }) => {
      await objects.put('a', bytesOf('first'));
      expect(await objects.putIfAbsent('a', bytesOf('second'))).toBe('exists');
      expect(textOf(await objects.get('a'))).toBe('first');
    }));

  it.each([0, 1, 70_000, 600_000])(
    'an object of %i bytes is the same read at once and in pieces',
    (size) =>
      inStores(makePlace, async ({ objects }, other) => {
        const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);
        await objects.put('a/b', bytes);
        expect(same(await other.objects.get('a/b'), bytes)).toBe(true);
        expect(same(await collected(other.objects, 'a/b'), bytes)).toBe(true);
      }),
  );

  it.each(['none', 'none/none'])('get and read: null, when there is no %s', (key) =>
    inStores(makePlace, async ({ objects }) => {
      expect(await objects.get(key)).toBeNull();
      expect(await objects.read(key)).toBeNull();
    }),
  );

  it('write: what stood is seen until the commit, and the whole object after it', () =>
    inStores(makePlace, async ({ objects }, other) => {
      await objects.put('a', bytesOf('old'));
      const writer = await objects.write('a');
      await writer.write(bytesOf('new '));
      await writer.write(bytesOf(''));
      await writer.write(bytesOf('text'));
      expect(textOf(await other.objects.get('a'))).toBe('old');
      await writer.commit();
      expect(textOf(await other.objects.get('a'))).toBe('new text');
      await expect(writer.write(bytesOf('x'))).rejects.toThrow('has ended');
      await expect(writer.commit()).rejects.toThrow('has ended');
      await writer.abort();
      expect(textOf(await other.objects.get('a'))).toBe('new text');
    }));

  it('write: nothing is seen, when it is aborted', () =>
    inStores(makePlace, async ({ objects }) => {
      const writer = await objects.write('a');
      await writer.write(bytesOf('x'));
      await writer.abort();
      await writer.abort();
      expect(await objects.get('a')).toBeNull();
      await expect(writer.commit()).rejects.toThrow('has ended');
    }));

  it('write: the last commit stands, when two write the same key', () =>
    inStores(makePlace, async ({ objects }, other) => {
      const [one, two] = [await objects.write('a'), await other.objects.write('a')];
      await one.write(bytesOf('one'));
      await two.write(bytesOf('two'));
      await two.commit();
      await one.commit();
      expect(textOf(await objects.get('a'))).toBe('one');
    }));

  it('delete: the object is gone, and a second delete is as good', () =>
    inStores(makePlace, async ({ objects }) => {
      await objects.put('a/b', bytesOf('x'));
      await objects.delete('a/b');
      await objects.delete('a/b');
      await objects.delete('never/was');
      expect(await objects.get('a/b')).toBeNull();
      expect(await objects.putIfAbsent('a/b', bytesOf('y'))).toBe('stored');
    }));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

function same(one: Uint8Array | null, two: Uint8Array): boolean {
  return one !== null && Buffer.compare(one, two) === 0;
}

async function collected(objects: Objects, key: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await objects.read(key)) ?? []) pieces.push(piece);
  return Buffer.concat(pieces);
}

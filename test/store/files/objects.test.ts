import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createObjects } from '#store/files/objects.ts';
import { makeLocalPlace } from '#test/store/local-place.ts';

const bytes = Buffer.from('x');

describe('file objects', () => {
  it("a file that a killed writer left is no object and in nobody's way", () =>
    inObjects(async (objects, root) => {
      await mkdir(join(root, 'a'));
      await writeFile(join(root, 'a/~1-1-1-b'), 'half of an obj');
      expect(await objects.get('a/b')).toBeNull();
      expect(await objects.putIfAbsent('a/b', bytes)).toBe('stored');
      expect(await readdir(join(root, 'a'))).toEqual(['b', '~1-1-1-b']);
    }));

  it('no temporary file is left, when objects were put, claimed, written and aborted', () =>
    inObjects(async (objects, root) => {
      await objects.put('a', bytes);
      await objects.putIfAbsent('a', bytes);
      await objects.putIfAbsent('b', bytes);
      await (await objects.write('c')).abort();
      const writer = await objects.write('d');
      await writer.commit();
      expect((await readdir(root)).sort()).toEqual(['a', 'b', 'd']);
    }));

  it('a key is refused, when it is the folder of other objects or below one', () =>
    inObjects(async (objects) => {
      await objects.put('a/b', bytes);
      await expect(objects.putIfAbsent('a', bytes)).rejects.toThrow('a key cannot be both');
      await expect(objects.put('a', bytes)).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
      await expect(objects.put('a/b/c', bytes)).rejects.toThrow(/ENOTDIR|EEXIST/);
      expect(await objects.get('a/b/c')).toBeNull();
      expect(await objects.get('a/b')).toEqual(bytes);
    }));
});

async function inObjects(
  body: (objects: ReturnType<typeof createObjects>, root: string) => Promise<void>,
): Promise<void> {
  const place = await makeLocalPlace();
  try {
    await body(createObjects(place.home), place.home);
  } finally {
    await place.remove();
  }
}

import { describe, expect, it } from 'vitest';
import type { SeedFormat } from '#seeds/contract.ts';
import { refused, sourceOf, stored } from './imported.ts';

describe('importSeeds refuses', () => {
  const deep = (depth: number) => `{"a":`.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1);
  it.each<[what: string, text: string | Uint8Array, line: number | null, says: RegExp]>([
    ['no bytes', '', null, /is empty/],
    ['a byte order mark alone', '\ufeff', null, /no rows/],
    ['blank lines alone', ' \n\n', null, /no rows/],
    ['an empty list', '[ ]', null, /no rows/],
    ['a CSV header alone', 'a,b\n', null, /no rows/],
    ['a list cut off between rows', '[{"a":1},\n', 2, /end of the data/],
    ['a list without its end', '[{"a":1}\n', 2, /end of the data/],
    ['a list cut off inside a row', '[{"a":1},\n{"a":\n"x', 2, /cut off/],
    ['text after the list', '[{"a":1}]\n\n{', 3, /nothing may follow/],
    ['a second list', '[{"a":1}][]', 1, /nothing may follow/],
    ['a comma before the end', '[{"a":1},\n]', 2, /remove the comma/],
    ['a comma at the start', '[,{"a":1}]', 1, /remove the comma/],
    ['rows without a comma', '[{"a":1}\n{"a":1}]', 2, /after a row/],
    ['a list of numbers', '[\n7]', 2, /a number; each row must be an object/],
    ['a list of lists', '[[1]]', 1, /a list; each row must be an object/],
    ['null as a row', '{"a":1}\nnull', 2, /is null; each row/],
    ['mixed brackets', '[{"a":[1}]', 1, /not JSON/],
    ['a single-quoted key', "{'a':1}", 1, /a key in double quotes/],
    ['an error inside a long row', '[{"a":1,\n"b":\ntru}]', 3, /a value/],
    ['a raw tab in a string', '{"a":"\t"}', 1, /control character/],
    ['two objects on a line', '{"a":1} {"a":2}', 1, /nothing more/],
    ['a duplicate key', '{"b":1}\n{"a":1,"\\u0061":2}', 2, /Duplicate key "a"/],
    ['a duplicate key below', '[{"x":[{"a":1,\n"a":1}]}]', 2, /Duplicate/],
    ['a duplicate dropped key', '{"__proto__":1,"__proto__":1}', 1, /Dupl/],
    ['nesting of 33', deep(33), 1, /more than 32 deep/],
    ['endless nesting', '['.repeat(400_000), 1, /deep|cut off/],
    ['endless nesting in a line', '{"a":' + '['.repeat(400_000), 1, /32 deep/],
    ['a header without a name', 'a,,b\n1,2,3', 1, /Column 2/],
    ['a header with a name twice', 'a,b, a \n1,2,3', 1, /"a" twice/],
    ['a missing cell', 'a,b\r\n1,2\r\n\r\n"1\r\n2"\r\n', 4, /1 cells.* has 2/],
    ['a cell too many', 'a,b\n1,2\n1,2,\n', 3, /3 cells.* has 2/],
    ['an open quote', 'a,b\n1,2\n1,"2\n3,4\n', 3, /never closed/],
    ['a quote inside a plain cell', 'a,b\n1,2"\n', 2, /does not begin with/],
    ['text after a quote', 'a,b\n1,"2"x\n', 2, /"x" after a closing quote/],
    ['Latin-1', Buffer.from('a\nb\ncaf\xe9\n', 'latin1'), 3, /not UTF-8/],
    ['UTF-16', Buffer.from('\ufeffa,b\n1,2', 'utf16le'), 1, /not UTF-8/],
    ['a character cut off', Buffer.from([0x61, 0x0a, 0xe2, 0x82]), 2, /not UTF-8/],
    ['an encoded surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80]), 1, /not UTF-8/],
  ])('%s', async (_what, text, line, says) => {
    const [problem] = await refused(sourceOf(text));
    expect(problem?.detail).toMatch(says);
    expect(problem?.line).toBe(line);
  });

  it('an object, when the format is json', async () => {
    const [problem] = await refused(sourceOf('\n{"a":[]}'), { format: 'json' });
    expect(problem).toMatchObject({ line: 2, detail: expect.stringMatching(/"\[" must open/) });
  });

  it('bytes that are no UTF-8 across two pieces', async () => {
    const problems = await refused(sourceOf('{"a":1}\n{"a":"', Buffer.from([0xc3]), '("}'));
    expect(problems).toMatchObject([
      { line: 2, row: null, detail: expect.stringMatching(/UTF-8/) },
    ]);
  });

  it('the first 20 broken rows, and reads no further', async () => {
    let pulled = 0;
    async function* broken() {
      for (; pulled < 1_000; pulled += 1) yield Buffer.from('{"a":1}\n{a}\n');
    }
    const problems = await refused(broken());
    expect(problems.map(({ line }) => line)).toEqual(
      Array.from({ length: 20 }, (_, index) => 2 * index + 2),
    );
    expect(pulled).toBe(19);
  });
});

describe('importSeeds at its limits', () => {
  const rows = (count: number) => '{"a":1}\n'.repeat(count);
  it.each([
    { limits: { rowsMax: 3 }, allowed: rows(3), beyond: rows(4), line: 4, says: /3 are the most/ },
    {
      limits: { bytesMax: 16 },
      allowed: rows(2),
      beyond: `${rows(2)}\n`,
      line: null,
      says: /16 bytes/,
    },
    { limits: { rowBytesMax: 7 }, allowed: rows(1), beyond: '{"a":10}', line: 1, says: /7 bytes/ },
    {
      limits: { rowBytesMax: 10 },
      allowed: '{"a":"é"}',
      beyond: '{"a":"éé"}',
      line: 1,
      says: /12 bytes/,
    },
    {
      limits: { rowBytesMax: 9 },
      allowed: '[{"a":123}]',
      beyond: '[\n{"a":1234}]',
      line: 2,
      says: /9 /,
    },
    {
      limits: { rowBytesMax: 9 },
      allowed: 'a\r\n1',
      beyond: 'a\n12345678901',
      line: 2,
      says: /9 /,
    },
    {
      limits: { rowBytesMax: 9 },
      allowed: 'a\n"1"',
      beyond: 'a\n"1\n\n""""""\n',
      line: 2,
      says: /9 /,
    },
    { limits: { rowBytesMax: 9 }, allowed: 'a\n1', beyond: ',,,,,,,,,,', line: 1, says: /9 / },
    {
      limits: { columnsMax: 2 },
      allowed: '{"a":1}\n{"b":1}',
      beyond: '{"a":1}\n{"b":1,"c":1}',
      line: 2,
      says: /"c"/,
    },
    {
      limits: { columnsMax: 2 },
      allowed: 'a,b\n1,2',
      beyond: 'a,b,c\n1,2,3',
      line: 1,
      says: /3 columns/,
    },
    {
      limits: { columnNameMax: 2 },
      allowed: '{"ab":1}',
      beyond: '{"abc":1}',
      line: 1,
      says: /"abc"/,
    },
    { limits: { depthMax: 2 }, allowed: '{"a":[]}', beyond: '{"a":[[]]}', line: 1, says: /2 deep/ },
  ])(
    '$limits is stored up to it and refused beyond, with $says',
    async ({ limits, allowed, beyond, line, says }) => {
      await stored(sourceOf(allowed), { limits });
      const problems = await refused(sourceOf(beyond), { limits });
      expect(problems[0]).toMatchObject({ line, detail: expect.stringMatching(says) });
    },
  );

  it.each<{ format: SeedFormat; what: string; head: string; fill: string }>([
    { format: 'jsonl', what: 'a string', head: '{"a":"', fill: 'x' },
    { format: 'jsonl', what: 'blanks', head: '', fill: ' ' },
    { format: 'json', what: 'a string', head: '[{"a":"', fill: 'x' },
    { format: 'json', what: 'a number', head: '[', fill: '1' },
    { format: 'csv', what: 'a plain cell', head: 'a\n', fill: 'x' },
    { format: 'csv', what: 'line ends in a quoted cell', head: 'a\n"', fill: '\n' },
    { format: 'csv', what: 'empty cells', head: '', fill: ',' },
  ])('$format: 1 GB of $what is refused before 2 MB of it are read', async (each) => {
    let pulled = 0;
    let isClosed = false;
    async function* endless() {
      try {
        yield Buffer.from(each.head || each.fill);
        for (; pulled < 16_384; pulled += 1) yield Buffer.alloc(65_536, each.fill);
      } finally {
        isClosed = true;
      }
    }
    const [problem] = await refused(endless(), { format: each.format });
    expect(problem?.detail).toMatch(/over 1048576 bytes/);
    expect(pulled).toBeLessThan(32);
    expect(isClosed).toBe(true);
  });

  it('one piece of 64 MB is decoded no further than its first row reaches', async () => {
    const piece = Buffer.alloc(64 * 1024 ** 2, 'x');
    const before = process.memoryUsage().heapUsed;
    await refused(sourceOf(piece), { format: 'jsonl' });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 1024 ** 2);
  });
});

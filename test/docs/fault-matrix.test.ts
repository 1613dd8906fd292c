import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { projectFile } from '#cli/environment.ts';

const matrix = readFileSync(projectFile('docs', 'fault-matrix.md'), 'utf8');
const covered = matrix.slice(0, matrix.indexOf('## Not covered yet'));
const rows = covered.split('\n').filter((line) => /^\| (?!fault|---)/.test(line));

describe('docs/fault-matrix.md', () => {
  it.each(rows)('names a test that there is: %s', (row) => {
    const [, file = '', title = ''] = /`(test\/[^`]+)`: “([^”]+)”/.exec(row) ?? [];
    expect(readFileSync(projectFile(file), 'utf8')).toContain(`'${title}'`);
  });
});

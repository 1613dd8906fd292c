import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { projectFile } from '#cli/environment.ts';
import { createProgram } from '#cli/program.ts';

const markdownIn = (folder: string): string[] =>
  readdirSync(projectFile(folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const documents = [...markdownIn('.'), ...markdownIn('docs'), ...markdownIn('examples')];
const linesOf = (file: string): string => readFileSync(projectFile(file), 'utf8');
/** Without line breaks: a title in quotes may go on in the next line. */
const textOf = (file: string): string => linesOf(file).replaceAll(/\s+/g, ' ');

const folders = readdirSync(projectFile('.'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^(out|node_modules|\..*)$/.test(entry.name))
  .map(({ name }) => name);

/** Relative links, without the place inside the document. */
function linksIn(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^(https?:|#)/.test(target))
    .map((target) => target.replace(/#.*/, ''));
}

/** What stands in backticks and is a path of the project, whole: `domain/money.ts`, `store/sqlite/`. */
function pathsIn(text: string): string[] {
  const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  return spans.filter((span) => {
    const [first = '', ...rest] = span.split('/');
    return /^[\w./-]+$/.test(span) && rest.length > 0 && folders.includes(first);
  });
}

/** `npm run NAME`, and npm's own names for scripts. */
function scriptsIn(text: string): string[] {
  const run = [...text.matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*)/g)];
  return [...run.map(([, name = '']) => name), ...(/\bnpm test\b/.test(text) ? ['test'] : [])];
}

/** The commands after `plot` and `./plot`, also those behind a bar: `./plot jobs | show JOB`. */
function commandsIn(lines: string): string[] {
  const inline = [...lines.matchAll(/`plot ([a-z][a-z-]*)/g)].map(([, name = '']) => name);
  // Two spaces end the command: what follows in such a line is said about it.
  const lists = [...lines.matchAll(/\.\/plot ([a-z](?:(?! {2})[^`#\n])*)/g)];
  return [...inline, ...lists.flatMap(([, list = '']) => namesIn(list))];
}

function namesIn(list: string): string[] {
  return list.split(' | ').map((part) => /^[a-z-]+/.exec(part)?.[0] ?? part);
}

/** Tests that are named with their title: `test/file.test.ts`: “title”. */
function titlesIn(text: string): { file: string; title: string }[] {
  return [...text.matchAll(/`(test\/[^`]+\.ts)`: “([^”]+)”/g)].map(([, file = '', title = '']) => {
    return { file, title };
  });
}

const scripts = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(projectFile('package.json'), 'utf8'))).scripts;
const program = createProgram({ isJson: false, run: async () => {} });
const commands = program.commands.map((command) => command.name());

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  it('links: lead to files that are there', () => {
    const missing = linksIn(text).filter(
      (target) => !existsSync(projectFile(dirname(document), target)),
    );
    expect(missing).toEqual([]);
  });

  it('paths in backticks: are there', () => {
    expect(pathsIn(text).filter((path) => !existsSync(projectFile(path)))).toEqual([]);
  });

  it('npm scripts: are in package.json', () => {
    expect(scriptsIn(text).filter((name) => !(name in scripts))).toEqual([]);
  });

  it('plot commands: are in the command line', () => {
    expect(commandsIn(linesOf(document)).filter((name) => !commands.includes(name))).toEqual([]);
  });

  it('titles of tests: stand in the files that are named', () => {
    const missing = titlesIn(text).filter(({ file, title }) => {
      const source = readFileSync(projectFile(file), 'utf8');
      return !source.includes(`'${title}'`) && !source.includes(`\`${title}\``);
    });
    expect(missing).toEqual([]);
  });
});

describe('what is looked for', () => {
  it('is found in text that has it', () => {
    const text = textOf('docs/guarantees.md') + textOf('README.md');
    expect(linksIn(text)).toContain('ARCHITECTURE.md');
    expect(pathsIn(text)).toContain('bedrock/classify.ts');
    expect(scriptsIn(text)).toEqual(expect.arrayContaining(['demo', 'chaos', 'test']));
    expect(commandsIn(linesOf('README.md'))).toEqual(
      expect.arrayContaining(['run', 'show', 'watch', 'pause', 'resume', 'cancel', 'replay']),
    );
    expect(titlesIn(text).length).toBeGreaterThan(50);
  });

  it('is every command: each is told of in README.md', () => {
    const told = commandsIn(linesOf('README.md'));
    expect(commands.filter((name) => !told.includes(name))).toEqual([]);
  });
});

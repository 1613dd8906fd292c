import { parentPort, workerData } from 'node:worker_threads';
import { isAlias, LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';

/** A thread that reads one YAML document, says what is in it, and ends. */
export type YamlAnswer =
  | { readonly kind: 'parsed'; readonly value: unknown }
  | { readonly kind: 'unreadable'; readonly detail: string };

const document = z.string().parse(workerData);
parentPort?.postMessage(parse(document));

function parse(text: string): YamlAnswer {
  const lines = new LineCounter();
  try {
    const yaml = parseDocument(text, { lineCounter: lines });
    const [error] = yaml.errors;
    if (error !== undefined) {
      return unreadable(`line ${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`);
    }
    const aliases: number[] = [];
    visit(yaml, (_, node) => {
      if (!isAlias(node)) return undefined;
      aliases.push(lines.linePos(node.range?.[0] ?? 0).line);
      return visit.BREAK;
    });
    // Templates do not need aliases, and they are how a small document becomes a huge one.
    if (aliases.length > 0) {
      return unreadable(
        `line ${aliases[0]}: aliases (*name) are not supported; write the text out`,
      );
    }
    return { kind: 'parsed', value: yaml.toJS({ maxAliasCount: 0 }) };
  } catch (error) {
    return unreadable(firstLine(error instanceof Error ? error.message : String(error)));
  }
}

function unreadable(detail: string): YamlAnswer {
  return { kind: 'unreadable', detail };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? text;
}

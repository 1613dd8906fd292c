/** `npm run demo`: a real job over real films, with a simulated model, in its own home. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { add, formatUsd, type PicoUsd, usd, zero } from '#domain/money.ts';
import { exitCodes } from './cli-error.ts';
import { projectFile } from './environment.ts';
import { runCli } from './main.ts';
import { shortUsd } from './money-text.ts';

const relativeSeeds = 'node_modules/vega-datasets/data/movies.json';
const seeds = projectFile(relativeSeeds);
const template = projectFile('examples', 'film-blurbs.yaml');
const home = projectFile('.plot', 'demo');
const out = projectFile('out', 'demo');

/** Sixteen calls at a time, so that there is something to watch. */
const fixed = ['--concurrency', '16', '--out', out, '--yes', '--provider', 'simulator'];

const recordSchema = z.looseObject({ id: z.string(), index: z.int() });

const originSchema = z.object({
  calls: z.array(z.object({ step: z.string(), model: z.string(), cost_usd: z.string() })),
});

process.exitCode = await demo();

async function demo(): Promise<number> {
  say(`Plot Palette demo: 300 records about real films, for at most $0.50.
Temporal, the API, a worker and a stand-in for Amazon Bedrock are started here, on 127.0.0.1, and
stopped at the end. No account is needed and no money is spent; prices and limits are real.

  ./plot run examples/film-blurbs.yaml --seeds ${relativeSeeds} --records 300 --max-usd 0.50 --concurrency 16
`);
  const exitCode = await runCli(
    ['run', template, '--seeds', seeds, '--records', '300', '--max-usd', '0.50', ...fixed],
    { PLOT_HOME: home, PLOT_API_URL: undefined },
  );
  const isDelivered = exitCode === exitCodes.done || exitCode === exitCodes.failedRecords;
  if (isDelivered) say(delivered());
  return exitCode;
}

function delivered(): string {
  const first = readFileSync(join(out, 'records.jsonl'), 'utf8').split('\n', 1)[0] ?? '';
  return `
One record of out/demo/records.jsonl:
${indent(JSON.stringify(recordSchema.parse(JSON.parse(first)), null, 2))}

What it cost, by step and model:
${costLines()}

See it again:
  PLOT_HOME=.plot/demo ./plot dev      the API with its documentation, and the Temporal Web UI
  PLOT_HOME=.plot/demo ./plot jobs     every job of this demo
  ./plot verify out/demo               counts, costs and digests, recomputed`;
}

interface Cost {
  calls: number;
  amount: PicoUsd;
}

function costLines(): string {
  const costs = new Map<string, Cost>();
  for (const line of readFileSync(join(out, 'provenance.jsonl'), 'utf8').trimEnd().split('\n')) {
    for (const call of originSchema.parse(JSON.parse(line)).calls) {
      const name = `${call.step}, ${call.model}`;
      const before = costs.get(name) ?? { calls: 0, amount: zero };
      costs.set(name, { calls: before.calls + 1, amount: add(before.amount, usd(call.cost_usd)) });
    }
  }
  return [...costs].map(([name, cost]) => costLine(name, cost)).join('\n');
}

function costLine(name: string, { calls, amount }: Cost): string {
  return `  ${shortUsd(formatUsd(amount))}  ${calls} calls  ${name}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

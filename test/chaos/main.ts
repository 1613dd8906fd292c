/** `npm run chaos -- --seed N --minutes M`: breaks everything for a while and says what held. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { runChaos } from './run-chaos.ts';

const argumentsSchema = z.object({
  seed: z.coerce.number().int().min(0).default(1),
  minutes: z.coerce.number().min(0).default(5),
  only: z.string().array().optional(),
});

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    /** A fault by its name; may be given several times. */
    only: { type: 'string', multiple: true },
  },
});
const { seed, minutes, only } = argumentsSchema.parse(values);
process.stdout.write(`seed ${seed}\n`);
const report = await runChaos({
  seed,
  minutes,
  ...(only === undefined ? {} : { planned: only }),
  say: (line) => process.stdout.write(`  ${line}\n`),
});
table('fault', 'fired', report.fired);
table('invariant', 'checked', report.checked);
process.stdout.write(`\nall held; seed ${seed}\n`);

function table(what: string, often: string, counts: Readonly<Record<string, number>>): void {
  const width = Math.max(what.length, ...Object.keys(counts).map((name) => name.length));
  const rows = Object.entries(counts).map(([name, count]) => `${name.padEnd(width)}  ${count}`);
  process.stdout.write(`\n${what.padEnd(width)}  ${often}\n${rows.join('\n')}\n`);
}

/** `npm run simulate -- --seed N --runs K`: many runs, and the seed of each that broke a promise. */
import { parseArgs } from 'node:util';
import { simulateSeed } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '20000' },
    trace: { type: 'boolean', default: false },
  },
});

/** Broken seeds that are told one by one: more of them are one defect, seen more often. */
const toldMax = 20;
const first = whole('seed', values.seed);
const runs = whole('runs', values.runs);
const startedMs = performance.now();
let failed = 0;
let calls = 0;
let virtualMs = 0;
for (let seed = first; seed < first + runs; seed += 1) {
  const report = await simulateSeed(seed, { isTraced: values.trace });
  calls += report.calls;
  virtualMs += report.virtualMs;
  for (const line of report.trace) console.log(line);
  if (report.violations.length === 0) continue;
  failed += 1;
  if (failed > toldMax) continue;
  console.log(`SEED=${seed} npm run simulate -- --seed ${seed} --runs 1 --trace`);
  for (const { rule, detail } of report.violations) console.log(`  ${rule}: ${detail}`);
}
const seconds = (performance.now() - startedMs) / 1_000;
const hours = Math.round(virtualMs / 3_600_000);
console.log(
  `${runs} runs from seed ${first}, ${calls} calls, ${hours} simulated hours in ${seconds.toFixed(1)} s (${Math.round(runs / seconds)} runs/s): ${failed} broke a promise`,
);
process.exitCode = failed === 0 ? 0 : 1;

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} is ${text}; it must be a whole number from 0 on`);
}

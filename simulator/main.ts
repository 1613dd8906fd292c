import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { SimulatorOptions } from './server.ts';
import { startSimulator } from './server.ts';

const usage = `Usage: node simulator/main.ts --bill FILE [options]
  --bill FILE            append each billed answer to this file; what is in it counts
  --port N               port on 127.0.0.1; 0, the default, takes a free one
  --bill-sync            wait for the disk at every billed answer
  --invocation-log FILE  append model invocation log records
  --log FILE             append one line for each model request
  --latency-ms N         how long a call takes (default 0)
  --jitter-ms N          up to so much more, by the seed (default 0)
  --tokens-per-minute N  quota of each model (default none)
  --seed N               chooses which requests a fault hits (default 1)
Prints {"ready":true,"url":"..."} when it listens. PUT /knobs changes its behaviour while it runs.`;

const number = z.string().regex(/^\d+$/, { error: 'it must be a whole number' }).transform(Number);
const argumentsSchema = z.object({
  bill: z.string({ error: '--bill FILE is missing' }).min(1),
  port: number.optional(),
  'bill-sync': z.boolean().optional(),
  'invocation-log': z.string().optional(),
  log: z.string().optional(),
  'latency-ms': number.optional(),
  'jitter-ms': number.optional(),
  'tokens-per-minute': number.optional(),
  seed: number.optional(),
});

const simulator = await startSimulator(readOptions());
process.stdout.write(`${JSON.stringify({ ready: true, url: simulator.url })}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void simulator.close());
}

function readOptions(): SimulatorOptions {
  try {
    return optionsFrom(argumentsSchema.parse(parseArguments()));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    process.stderr.write(`${reason}\n\n${usage}\n`);
    process.exit(2);
  }
}

function parseArguments(): unknown {
  const text = { type: 'string' } as const;
  return parseArgs({
    options: {
      bill: text,
      port: text,
      'bill-sync': { type: 'boolean' },
      'invocation-log': text,
      log: text,
      'latency-ms': text,
      'jitter-ms': text,
      'tokens-per-minute': text,
      seed: text,
    },
  }).values;
}

function optionsFrom(given: z.infer<typeof argumentsSchema>): SimulatorOptions {
  return {
    billFile: given.bill,
    port: given.port ?? 0,
    isBillSynced: given['bill-sync'] ?? false,
    ...(given['invocation-log'] === undefined
      ? {}
      : { invocationLogFile: given['invocation-log'] }),
    ...(given.log === undefined ? {} : { requestLogFile: given.log }),
    knobs: {
      seed: given.seed ?? 1,
      latency: { ms: given['latency-ms'] ?? 0, jitterMs: given['jitter-ms'] ?? 0 },
      tokensPerMinute: given['tokens-per-minute'] ?? null,
    },
  };
}

import { resolve } from 'node:path';
import { z } from 'zod';

/** What people read about a variable. */
const words = z.registry<{ allowed: string; meaning: string }>();

/** Every environment variable that the project reads: schema, default, what is allowed, what it means. */
const variables = z.object({
  PLOT_HOME: z
    .string()
    .default('.plot')
    .transform((path) => resolve(path))
    .register(words, {
      allowed: 'a folder, absolute or relative to where the process was started',
      meaning: 'where state on a laptop is kept: the database, seeds, journals and exports',
    }),
  PLOT_PORT: whole(0, 65_535).default(8288).register(words, {
    allowed: 'a port from 0 to 65535; 0 takes any free one',
    meaning: 'the port of the API, on 127.0.0.1 alone',
  }),
  PLOT_PROVIDER: z.enum(['simulator', 'bedrock']).default('simulator').register(words, {
    allowed: '"simulator" or "bedrock"',
    meaning: 'who answers the calls of new jobs',
  }),
  PLOT_INVOCATION_LOG: z
    .string()
    .transform((path) => resolve(path))
    .nullable()
    .default(null)
    .register(words, {
      allowed: 'a file, or a folder with files',
      meaning:
        "where the provider's model invocation log is kept, which settles the cost of lost calls",
    }),
  PLOT_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .register(words, {
      allowed: '"debug", "info", "warn", "error" or "silent"',
      meaning: 'the least serious line that is logged to stderr',
    }),
  PLOT_HEARTBEAT_TIMEOUT_MS: whole(1_000, 600_000).default(30_000).register(words, {
    allowed: 'milliseconds from 1000 to 600000',
    meaning: 'how long an attempt at a batch may be silent before another worker gets the batch',
  }),
  PLOT_CALLS_MAX: whole(1, 4_096).default(256).register(words, {
    allowed: 'a whole number from 1 to 4096',
    meaning: 'calls to one model that one worker process has in flight at most',
  }),
  PLOT_CALL_TIMEOUT_MS: whole(1_000, 3_600_000).default(120_000).register(words, {
    allowed: 'milliseconds from 1000 to 3600000',
    meaning: 'how long a worker waits for one answer before it gives the call up as lost',
  }),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/:]+:\d{1,5}$/)
    .default('127.0.0.1:7233')
    .register(words, { allowed: 'host:port, without a scheme', meaning: 'the Temporal server' }),
  TEMPORAL_NAMESPACE: z.string().default('default').register(words, {
    allowed: 'a namespace that the server has',
    meaning: 'the Temporal namespace of the workflows',
  }),
  TEMPORAL_UI_URL: httpUrl().register(words, {
    allowed: 'an http or https URL',
    meaning: 'where the Temporal Web UI answers; without it jobs carry no link to it',
  }),
  AWS_REGION: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/)
    .default('us-east-1')
    .register(words, {
      allowed: 'a region such as "us-east-1"',
      meaning: 'the region that is called; prices depend on it',
    }),
  AWS_BEARER_TOKEN_BEDROCK: z.string().nullable().default(null).register(words, {
    allowed: 'a Bedrock API key',
    meaning: 'sent instead of a signature; lost calls then stay counted until a log shows them',
  }),
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: httpUrl().register(words, {
    allowed: 'an http or https URL',
    meaning: 'where calls go instead of AWS: the simulator, or an endpoint of your own',
  }),
});

export type Config = Readonly<z.output<typeof variables>>;

/** Some variables are not usable: the message names each, the value seen and what is allowed. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * The configuration that these variables give; an empty variable counts as not set. Called once per
 * process: no other file reads the environment. Throws ConfigError naming every variable that is bad.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const given = Object.keys(variables.shape)
    .map((name) => [name, environment[name]] as const)
    .filter(([, value]) => value !== undefined && value !== '');
  const parsed = variables.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const bad = new Set(parsed.error.issues.map(({ path }) => String(path[0])));
  throw new ConfigError(
    Object.entries(variables.shape)
      .filter(([name]) => bad.has(name))
      .map(([name, schema]) => problemOf(name, environment[name] ?? '', words.get(schema))),
  );
}

function problemOf(
  name: string,
  seen: string,
  word: { allowed: string; meaning: string } | undefined,
): string {
  return `${name} is "${seen}"; allowed is ${word?.allowed}. It is ${word?.meaning}.`;
}

/** A whole number in decimal digits. */
function whole(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/)
    .transform((text) => Number(text))
    .refine((value) => value >= least && value <= most);
}

function httpUrl() {
  return z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null);
}

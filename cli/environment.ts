import { join, resolve } from 'node:path';
import { z } from 'zod';
import { usageError } from './cli-error.ts';
import { type Config, ConfigError, loadConfig } from '#config.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line itself takes from the environment. */
export interface CliEnvironment {
  readonly config: Config;
  /** An API elsewhere: no stack is started or looked for. */
  readonly apiUrl: string | null;
  /** Whether the person named the port, so that no other one may take its place. */
  readonly isPortGiven: boolean;
  readonly variables: Environment;
}

const apiUrlSchema = z.url({ protocol: /^https?$/ });

/** Throws a usage error that names each variable that cannot be used. */
export function readEnvironment(variables: Environment): CliEnvironment {
  const apiUrl = variables['PLOT_API_URL'] ?? '';
  if (apiUrl !== '' && !apiUrlSchema.safeParse(apiUrl).success) {
    throw usageError(
      'bad_environment',
      `PLOT_API_URL is "${apiUrl}"; allowed is an http or https URL such as http://127.0.0.1:8288. It is the API to talk to instead of a local one.`,
    );
  }
  return {
    config: configOf(variables),
    apiUrl: apiUrl === '' ? null : apiUrl.replace(/\/+$/, ''),
    isPortGiven: (variables['PLOT_PORT'] ?? '') !== '',
    variables,
  };
}

function configOf(variables: Environment): Config {
  try {
    return loadConfig(variables);
  } catch (error) {
    if (error instanceof ConfigError) throw usageError('bad_environment', error.message);
    throw error;
  }
}

/** The whole environment: child processes get all of it, so it cannot be a list of known names. */
export function inheritedEnvironment(): Environment {
  // oxlint-disable-next-line node/no-process-env
  return process.env;
}

/** The folder of package.json. */
export const projectRoot = resolve(import.meta.dirname, '..');

export function projectFile(...path: string[]): string {
  return join(projectRoot, ...path);
}

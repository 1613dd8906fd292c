import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ExitCode, exitCodes } from '#cli/cli-error.ts';
import { type CliEnvironment, projectRoot } from '#cli/environment.ts';
import type { CommandContext } from '#cli/session.ts';
import { findRunningStack } from '#cli/stack-access.ts';
import type { Provider } from '#cli/stack/children.ts';
import { isFree } from '#cli/stack/ports.ts';
import type { StackState } from '#cli/stack/state.ts';
import { priceTableVersion } from '#domain/pricing.ts';
import { findTemporal } from '#setup/find-temporal.mjs';
import { missingPackage } from '#setup/packages.mjs';

/** One need: whether it is met, what was seen, what to do where it is not. */
export interface Check {
  readonly name: string;
  readonly isMet: boolean;
  readonly seen: string;
  readonly fix?: string;
}

/** Checks every need of the stack and says how to mend what is missing. */
export async function doctor(
  { provider }: { readonly provider?: Provider },
  { terminal, environment }: CommandContext,
): Promise<ExitCode> {
  const checks = await checkAll(environment, provider ?? environment.config.PLOT_PROVIDER);
  const isWell = checks.every(({ isMet }) => isMet);
  for (const check of checks) terminal.print(checkText(check));
  terminal.print(isWell ? 'All needs are met.' : 'Something is missing: see the lines with ✖.');
  terminal.event({
    type: 'result',
    status: isWell ? 'ok' : 'failed',
    checks: checks.map(({ name, isMet, seen, fix }) => ({
      name,
      ok: isMet,
      seen,
      fix: fix ?? null,
    })),
  });
  return isWell ? exitCodes.done : exitCodes.error;
}

export function checkText({ name, isMet, seen, fix }: Check): string {
  const line = `${isMet ? '✔' : '✖'} ${name.padEnd(13)} ${seen}`;
  return isMet || fix === undefined ? line : `${line}\n  ${' '.repeat(13)} → ${fix}`;
}

async function checkAll(environment: CliEnvironment, provider: Provider): Promise<Check[]> {
  const stack = await findRunningStack(environment);
  return [
    checkNode(),
    checkPackages(),
    checkTemporal(environment),
    checkHome(environment.config.PLOT_HOME),
    checkSpace(environment.config.PLOT_HOME),
    checkClock(),
    await checkPorts(environment, stack),
    checkStack(stack),
    ...(provider === 'bedrock' ? checkAws(environment) : []),
  ];
}

function checkNode(): Check {
  const isMet = Number(process.versions.node.split('.')[0]) >= 24;
  return { name: 'Node', isMet, seen: `v${process.versions.node}`, fix: 'Run `npm run setup`.' };
}

function checkPackages(): Check {
  const missing = missingPackage(projectRoot);
  return {
    name: 'packages',
    isMet: missing === null,
    seen: missing === null ? 'as package-lock.json says' : `${missing} is not installed`,
    fix: 'Run `npm run setup`.',
  };
}

function checkTemporal({ variables }: CliEnvironment): Check {
  const name = 'Temporal';
  const found = findTemporal({ ...variables });
  switch (found.kind) {
    case 'server':
      return { name, isMet: true, seen: `the server at ${found.address} (TEMPORAL_ADDRESS)` };
    case 'binary':
      return { name, isMet: true, seen: `server ${found.server}, ${found.path} (${found.origin})` };
    case 'refused':
      return { name, isMet: false, seen: found.reason, fix: 'Correct TEMPORAL_CLI or unset it.' };
    case 'missing':
      return {
        name,
        isMet: false,
        seen: ['not found', ...found.notes].join('; '),
        fix: 'Run `npm run setup`.',
      };
  }
}

function checkHome(home: string): Check {
  const folder = nearestFolder(home);
  const isMet = isWritable(folder);
  return {
    name: 'home',
    isMet,
    seen: isMet ? home : `${folder} is not writable`,
    fix: 'Set PLOT_HOME to a folder that you may write to.',
  };
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A million short records with their journal and exports take about this much. */
const freeBytesMin = 2 * 1024 ** 3;

function checkSpace(home: string): Check {
  const { bavail, bsize } = statfsSync(nearestFolder(home));
  const free = bavail * bsize;
  return {
    name: 'disk',
    isMet: free >= freeBytesMin,
    seen: `${(free / 1024 ** 3).toFixed(1)} GiB free`,
    fix: 'Free 2 GiB, or set PLOT_HOME to another disk: answers that cannot be stored are not asked for.',
  };
}

/** A request is signed with the time: a clock that is wrong by minutes has it refused. */
function checkClock(): Check {
  const now = new Date().toISOString();
  return {
    name: 'clock',
    isMet: now.slice(0, 10) >= priceTableVersion,
    seen: `${now} (UTC)`,
    fix: `Set the clock: it is before ${priceTableVersion}, when the prices here were checked.`,
  };
}

async function checkPorts(
  { config, isPortGiven }: CliEnvironment,
  stack: StackState | null,
): Promise<Check> {
  const name = 'ports';
  if (stack !== null) return { name, isMet: true, seen: 'in use by the running stack' };
  const ports = [7233, 8233, config.PLOT_PORT];
  const free = await Promise.all(ports.map(isFree));
  const taken = ports.filter((_, at) => free[at] === false);
  if (taken.length === 0) return { name, isMet: true, seen: `${ports.join(', ')} are free` };
  return {
    name,
    isMet: !(isPortGiven && taken.includes(config.PLOT_PORT)),
    seen: `${taken.join(', ')} taken by another process; others are used instead`,
    fix: 'PLOT_PORT names a port that is taken: name another one, or unset it.',
  };
}

function checkStack(stack: StackState | null): Check {
  const seen = stack === null ? 'none runs; commands bring one up' : `runs: ${stack.api_url}/docs`;
  return { name: 'stack', isMet: true, seen };
}

/** What the AWS SDK would look for. Whether it is accepted only a call can tell, and calls cost money. */
function checkAws({ variables, config }: CliEnvironment): Check[] {
  const isRegionGiven = (variables['AWS_REGION'] ?? '') !== '';
  const source = credentialSource(variables);
  return [
    {
      name: 'AWS region',
      isMet: true,
      seen: `${config.AWS_REGION}${isRegionGiven ? '' : ' (AWS_REGION is not set)'}`,
    },
    {
      name: 'credentials',
      isMet: source !== null,
      seen: source ?? 'none found in the environment or in ~/.aws',
      fix: 'Set AWS_PROFILE, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK.',
    },
  ];
}

function credentialSource(variables: CliEnvironment['variables']): string | null {
  const isSet = (name: string) => (variables[name] ?? '') !== '';
  if (isSet('AWS_BEARER_TOKEN_BEDROCK')) return 'AWS_BEARER_TOKEN_BEDROCK';
  if (isSet('AWS_ACCESS_KEY_ID') && isSet('AWS_SECRET_ACCESS_KEY')) return 'AWS_ACCESS_KEY_ID';
  if (isSet('AWS_WEB_IDENTITY_TOKEN_FILE')) return 'AWS_WEB_IDENTITY_TOKEN_FILE';
  if (isSet('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI')) return 'the container';
  const folder = join(variables['HOME'] ?? homedir(), '.aws');
  const file = ['credentials', 'config'].map((name) => join(folder, name)).find(existsSync);
  if (file === undefined) return null;
  return `${file}${isSet('AWS_PROFILE') ? `, profile ${variables['AWS_PROFILE']}` : ''}`;
}

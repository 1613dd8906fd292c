import { join } from 'node:path';
import { type Environment, projectFile } from '#cli/environment.ts';
import { searchAttributes } from '#workflows/contract.ts';
import type { ChildSpec } from './launch.ts';
import type { HomePaths } from './home.ts';
import type { Ports } from './ports.ts';

export type Provider = 'simulator' | 'bedrock';

/** Everything that decides how the stack's processes are started. */
export interface StackPlan {
  readonly paths: HomePaths;
  readonly ports: Ports;
  readonly provider: Provider;
  readonly workers: number;
  readonly environment: Environment;
  /** The CLI that starts Temporal; null where a running server is used. */
  readonly temporalBinary: string | null;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | null;
  /** Where calls go; null for AWS. */
  readonly endpoint: string | null;
  /** Whether the simulator is one of the stack's processes. */
  readonly hasSimulator: boolean;
}

export function temporalChild({ paths, ports, environment }: StackPlan, binary: string): ChildSpec {
  return {
    name: 'temporal',
    command: binary,
    args: temporalArguments(paths, ports),
    env: environment,
    log: join(paths.logs, 'temporal.log'),
    ready: { kind: 'port', port: ports.temporal },
  };
}

function temporalArguments(paths: HomePaths, ports: Ports): string[] {
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${type}`,
  ]);
  const server = ['server', 'start-dev', '--log-level', 'error', '--ui-disable-news-fetch'];
  const where = ['--ip', '127.0.0.1', '--port', String(ports.temporal)];
  const ui = ['--ui-port', String(ports.temporal_ui)];
  const file = ['--db-filename', paths.temporalDatabase];
  // Twice the throughput of the defaults, and still durable against a killed process.
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'];
  return [...server, ...where, ...ui, ...file, ...pragmas, ...attributes];
}

export function simulatorChild({ paths, ports, environment }: StackPlan): ChildSpec {
  const files = ['--bill', paths.bill, '--invocation-log', paths.invocations];
  // About what a small model takes, so that a simulated job is watched as a real one would be.
  const pace = ['--latency-ms', '150', '--jitter-ms', '100'];
  const args = ['--port', String(ports.simulator), ...pace, ...files];
  return {
    name: 'simulator',
    command: process.execPath,
    args: [projectFile('simulator', 'main.ts'), ...args],
    env: environment,
    log: join(paths.logs, 'simulator.log'),
    ready: { kind: 'line' },
  };
}

export function apiChild(plan: StackPlan): ChildSpec {
  return {
    name: 'api',
    command: process.execPath,
    args: [projectFile('api', 'server.ts')],
    env: serviceEnvironment(plan),
    log: join(plan.paths.logs, 'api.log'),
    ready: { kind: 'line' },
  };
}

/** Workers are numbered from 1. */
export function workerChild(plan: StackPlan, number: number): ChildSpec {
  return {
    name: `worker-${number}`,
    command: process.execPath,
    args: [projectFile('worker.ts')],
    env: { ...serviceEnvironment(plan), NODE_OPTIONS: workerOptions(plan.environment) },
    log: join(plan.paths.logs, `worker-${number}.log`),
    ready: { kind: 'line' },
  };
}

/**
 * Left alone, a worker's heap grows with the machine's memory before it is collected; with these it stays
 * under 400 MB at 256 calls in flight. Rows of hundreds of kilobytes need more: NODE_OPTIONS of the
 * person comes last, and wins.
 */
function workerOptions(environment: Environment): string {
  const own = '--max-old-space-size=256 --max-semi-space-size=16';
  return `${own} ${environment['NODE_OPTIONS'] ?? ''}`.trim();
}

/** The person's environment, with what this stack decides in its place. */
export function serviceEnvironment(plan: StackPlan): Environment {
  return {
    ...plan.environment,
    PLOT_HOME: plan.paths.home,
    PLOT_PORT: String(plan.ports.api),
    PLOT_PROVIDER: plan.provider,
    TEMPORAL_ADDRESS: plan.temporalAddress,
    TEMPORAL_UI_URL: plan.temporalUiUrl ?? '',
    ...(plan.hasSimulator ? { PLOT_INVOCATION_LOG: plan.paths.invocations } : {}),
    ...(plan.provider === 'simulator' ? simulatedAws(plan.endpoint) : {}),
  };
}

/** A stand-in gets stand-in credentials: nothing signed with real ones leaves for it. */
function simulatedAws(endpoint: string | null): Environment {
  return {
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: endpoint ?? '',
    AWS_ACCESS_KEY_ID: 'simulator',
    AWS_SECRET_ACCESS_KEY: 'simulator',
    AWS_SESSION_TOKEN: undefined,
    AWS_BEARER_TOKEN_BEDROCK: undefined,
    AWS_PROFILE: undefined,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** Starts and supervises the laptop's processes: Temporal, the simulator, the API, the workers. */
import { mkdirSync } from 'node:fs';
import { findTemporal } from '#setup/find-temporal.mjs';
import { CliError, exitCodes } from './cli-error.ts';
import type { CliEnvironment } from './environment.ts';
import { type Child, superviseChild } from './stack/child.ts';
import {
  apiChild,
  type Provider,
  type StackPlan,
  simulatorChild,
  temporalChild,
  workerChild,
} from './stack/children.ts';
import { drainMs, type Guard, lastStopMs, type StopOrder, startGuard } from './stack/guard.ts';
import { type HomePaths, homePaths } from './stack/home.ts';
import { endLeftovers } from './stack/leftovers.ts';
import type { ChildSpec } from './stack/launch.ts';
import { type Lock, tryLock } from './stack/lock.ts';
import { choosePorts } from './stack/ports.ts';
import { removeState, type StackState, writeState } from './stack/state.ts';

export interface StackOptions {
  readonly environment: CliEnvironment;
  readonly provider: Provider;
  /** 0 for a stack that only answers: its jobs wait. */
  readonly workers: number;
  readonly say: (text: string) => void;
  /** Gives up the start. */
  readonly signal: AbortSignal;
}

export interface LocalStack {
  readonly state: () => StackState;
  /** Ends the workers alone: what they brought in can still be asked for. */
  drain(): Promise<void>;
  /** Everything in order: workers bring in their answers (up to 100 s), Temporal goes last. */
  stop(): Promise<void>;
}

/** What `killStacks` has to end. */
const kills = new Set<() => void>();

/** Ends every process of this one's stacks at once. What was in flight is called again, at most. */
export function killStacks(): void {
  for (const kill of kills) kill();
}

/**
 * A stack that answers, or null where another process has one on the same home. Rejects with what
 * failed and why; nothing is left running then.
 */
export async function startLocalStack(options: StackOptions): Promise<LocalStack | null> {
  const paths = homePaths(options.environment.config.PLOT_HOME);
  mkdirSync(paths.logs, { recursive: true });
  const lock = tryLock(paths.lock);
  if (lock === null) return null;
  try {
    options.say('Starting the local stack …');
    await endLeftovers(paths.state, options.say);
    return await runStack(options, await planStack(options, paths), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function planStack(options: StackOptions, paths: HomePaths): Promise<StackPlan> {
  const { environment, provider, workers } = options;
  const { config, variables, isPortGiven } = environment;
  const ports = await choosePorts({
    file: paths.ports,
    api: isPortGiven ? config.PLOT_PORT : null,
  });
  const temporal = temporalOf(environment);
  const named = config.AWS_ENDPOINT_URL_BEDROCK_RUNTIME;
  const hasSimulator = provider === 'simulator' && named === null;
  return {
    paths,
    ports,
    provider,
    workers,
    environment: variables,
    temporalBinary: temporal.binary,
    temporalAddress: temporal.address ?? `127.0.0.1:${ports.temporal}`,
    temporalUiUrl:
      temporal.binary === null ? config.TEMPORAL_UI_URL : `http://127.0.0.1:${ports.temporal_ui}`,
    endpoint: hasSimulator ? `http://127.0.0.1:${ports.simulator}` : named,
    hasSimulator,
  };
}

function temporalOf(environment: CliEnvironment): {
  readonly binary: string | null;
  readonly address: string | null;
} {
  const found = findTemporal({ ...environment.variables });
  switch (found.kind) {
    case 'server':
      return { binary: null, address: found.address };
    case 'binary':
      return { binary: found.path, address: null };
    case 'refused':
      throw temporalMissing(found.reason, []);
    case 'missing':
      throw temporalMissing('The Temporal CLI was not found.', found.notes);
  }
}

function temporalMissing(message: string, details: readonly string[]): CliError {
  return new CliError({
    code: 'temporal_missing',
    exitCode: exitCodes.noServer,
    message,
    details,
    hint: 'Run `npm run setup`, or name a CLI with TEMPORAL_CLI or a running server with TEMPORAL_ADDRESS.',
  });
}

async function runStack(options: StackOptions, plan: StackPlan, lock: Lock): Promise<LocalStack> {
  const stack = createProcesses(options, plan);
  try {
    if (plan.temporalBinary !== null) stack.add(temporalChild(plan, plan.temporalBinary), 'last');
    if (plan.hasSimulator) stack.add(simulatorChild(plan), 'last');
    const api = stack.add(apiChild(plan), 'first');
    for (let number = 1; number <= plan.workers; number += 1) {
      stack.add(workerChild(plan, number), 'first');
    }
    // Workers come up while the first requests are served; one that does not is told about by its restarts.
    await unlessAborted(Promise.all([...stack.ready('last'), api.ready]), options.signal);
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return {
    state: stack.state,
    drain: stack.drain,
    stop: async () => {
      await stack.stop();
      lock.release();
    },
  };
}

async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The stack's processes with what is told about them: stack.json and the guard. */
function createProcesses({ say }: StackOptions, plan: StackPlan) {
  const guard: Guard = startGuard();
  const children: OrderedChild[] = [];
  const startedAt = new Date().toISOString();
  let isStopping = false;

  function state(): StackState {
    return {
      ...describePlan(plan),
      started_at: startedAt,
      guard_pid: guard.pid,
      children: known(),
    };
  }

  function known(): StackState['children'] {
    return children.flatMap(({ child }) => {
      const pid = child.pid();
      if (pid === null) return [];
      const command = child.commandLine() ?? '';
      return [{ name: child.name, pid, command, restarts: child.restarts() }];
    });
  }

  function tell(): void {
    writeState(plan.paths.state, state());
  }

  function add(spec: ChildSpec, order: StopOrder): Child {
    const child = superviseChild(spec, {
      onStart: (pid) => {
        guard.watch(pid, order);
        // The first start is told below, when the child is on the list.
        queueMicrotask(tell);
      },
      onEnd: (pid, how, delayMs) => {
        if (pid !== null) guard.forget(pid);
        if (isStopping || delayMs === null) return;
        say(`${spec.name} ended (${how}); it is started again. Log: ${spec.log}`);
        tell();
      },
    });
    children.push({ child, order });
    return child;
  }

  function kill(): void {
    isStopping = true;
    for (const { child } of children) child.kill();
  }

  async function stop(): Promise<void> {
    isStopping = true;
    await Promise.all(inOrder(children, 'first').map((child) => child.stop(drainMs)));
    await Promise.all(inOrder(children, 'last').map((child) => child.stop(lastStopMs)));
    guard.dismiss();
    removeState(plan.paths.state);
    kills.delete(kill);
  }

  kills.add(kill);
  return {
    add,
    state,
    drain: () => drain(children),
    stop,
    ready: (order: StopOrder) => inOrder(children, order).map((child) => child.ready),
  };
}

interface OrderedChild {
  readonly child: Child;
  readonly order: StopOrder;
}

function inOrder(children: readonly OrderedChild[], order: StopOrder): Child[] {
  return children.filter((entry) => entry.order === order).map(({ child }) => child);
}

async function drain(children: readonly OrderedChild[]): Promise<void> {
  const workers = inOrder(children, 'first').filter(({ name }) => name !== 'api');
  await Promise.all(workers.map((child) => child.stop(drainMs)));
}

function describePlan(plan: StackPlan) {
  return {
    version: 1 as const,
    supervisor_pid: process.pid,
    provider: plan.provider,
    api_url: `http://127.0.0.1:${plan.ports.api}`,
    temporal_address: plan.temporalAddress,
    temporal_ui_url: plan.temporalUiUrl,
    simulator_url: plan.hasSimulator ? plan.endpoint : null,
    logs: plan.paths.logs,
  };
}

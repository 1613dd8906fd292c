/** One worker process: the real activities over ports that end, wait and fail with it. */
import { AsyncResource } from 'node:async_hooks';
import { createActivities } from '#activities/index.ts';
import type { ActivityPorts, Clock } from '#activities/ports.ts';
import { createCallGates } from '#bedrock/call-gate.ts';
import type { CallOutcome, Model } from '#bedrock/contract.ts';
import { failure } from '#domain/failure.ts';
import type { Activities } from '#activities/contract.ts';
import { chanceOf } from './chance.ts';
import type { Conditions, Deed } from './conditions.ts';
import type { Judge } from './judge.ts';
import { createLife, type Life } from './life.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Provider } from './provider.ts';
import type { VirtualTime } from './virtual-time.ts';
import { createWire, type Wire, type WireOptions } from './wire.ts';
import { createWorkerStore } from './worker-store.ts';
import { simulatedPrompts } from './workload.ts';

export interface Worker {
  readonly life: Life;
  readonly wire: Wire;
  readonly activities: Activities;
  /** Whether it takes new activities. */
  isPolling(): boolean;
  /** Aborts once the worker's grace time is over: its activities are cancelled. */
  readonly graceOver: AbortSignal;
  readonly drain: AbortSignal;
  apply(deed: Deed): void;
}

export interface World {
  readonly time: VirtualTime;
  readonly startMs: number;
  readonly conditions: Conditions;
  readonly store: MemoryStore;
  readonly provider: Provider;
  readonly judge: Judge;
  readonly deedAt: WireOptions['deedAt'];
  readonly note: WireOptions['note'];
  /** Makes the engine wrong on purpose, to see that it is found. */
  readonly mutate: (ports: ActivityPorts, time: VirtualTime) => ActivityPorts;
}

/** The worker's own times on SIGTERM (design section 6). */
const graceMs = 60_000;
const forceMs = 100_000;
const callTimeoutMs = 90_000;

export function createWorker(world: World, name: string): Worker {
  const { time, conditions, judge } = world;
  const life = createLife(time, name);
  const drain = new AbortController();
  const grace = new AbortController();
  const wire = createWire({ ...world, life, apply });
  const clock = clockOf(time, life);

  function kill(): void {
    life.kill();
    judge.stopped(name);
  }

  function apply(deed: Deed): void {
    switch (deed.kind) {
      case 'kill':
        return kill();
      case 'freeze':
        life.freeze(deed.ms, deed.isMachine);
        return judge.stopped(name);
      case 'drain':
        if (drain.signal.aborted) return;
        drain.abort(new Error('SIGTERM'));
        time.after(graceMs, () =>
          life.whenRunning(() => grace.abort(new Error('WORKER_SHUTDOWN'))),
        );
        time.after(forceMs, kill);
    }
  }

  const ports: ActivityPorts = {
    store: createWorkerStore({ truth: world.store, wire, judge, conditions }),
    prompts: {
      ...simulatedPrompts,
      render: async (request) => {
        const rendered = await simulatedPrompts.render(request);
        await wire.reach('after:prompts.render');
        return rendered;
      },
    },
    model: modelOf(world, life, wire),
    gates: createCallGates({
      callsMax: 8,
      clock: { nowMs: time.nowMs, after: clock.after },
      random: (
        (stream) => () =>
          stream.between(0, 1)
      )(chanceOf(conditions.seed, `gate of ${name}`)),
    }),
    clock,
    drain: drain.signal,
    generator: { name: 'simulation', version: '0' },
  };
  return {
    life,
    wire,
    activities: createActivities(world.mutate(ports, time)),
    isPolling: () => life.state() === 'running' && !drain.signal.aborted,
    graceOver: grace.signal,
    drain: drain.signal,
    apply,
  };
}

function clockOf(time: VirtualTime, life: Life): Clock {
  const after = (ms: number, action: () => void) => {
    // A process's timers run in the context in which they were set.
    const inContext = AsyncResource.bind(action);
    let isCancelled = false;
    const cancel = time.after(ms, () =>
      life.whenRunning(() => {
        if (!isCancelled) inContext();
      }),
    );
    return () => {
      isCancelled = true;
      cancel();
    };
  };
  return {
    now: () => time.nowMs(),
    monotonic: () => time.nowMs() - life.uncountedMs(),
    timestamp: () => new Date(time.nowMs()).toISOString(),
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          cancel();
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const cancel = after(ms, wake);
        signal?.addEventListener('abort', wake, { once: true });
      }),
  };
}

function modelOf({ time, provider, judge }: World, life: Life, wire: Wire): Model {
  return {
    isSigned: true,
    async call(request, { signal, beforeSend }) {
      await wire.reach('before:model.call');
      const signedAtMs = time.nowMs();
      try {
        await beforeSend();
      } catch (error) {
        const its = failure('not-sent', String(error));
        return { kind: 'not-billed', failure: its, retryAfterMs: null };
      }
      await wire.reach('before:model.send');
      judge.sent(request.hold, request.call, life.name);
      // Its last act, beside what stopped it.
      if (life.state() !== 'running') judge.stopped(life.name);
      const answer = provider.send(request, signedAtMs);
      const outcome = await Promise.race([answer, timedOut(time), aborted(signal)]);
      if (outcome.kind === 'not-billed') judge.refused(request.hold, request.call);
      if (outcome.kind === 'unknown') judge.excuse(request.hold, request.call, 'given-up');
      await wire.reach('after:model.call');
      return outcome;
    },
    close: () => Promise.resolve(),
  };
}

async function timedOut(time: VirtualTime): Promise<CallOutcome> {
  await time.sleep(callTimeoutMs);
  return { kind: 'unknown', failure: failure('no-answer', 'simulated time-out') };
}

function aborted(signal: AbortSignal): Promise<CallOutcome> {
  return new Promise((resolve) => {
    const give = () =>
      resolve({ kind: 'unknown', failure: failure('no-answer', 'simulated abort') });
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}

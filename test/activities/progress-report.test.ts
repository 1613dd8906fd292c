import { AsyncResource } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActivityPorts, Clock } from '#activities/ports.ts';
import type { CallGate, GateState } from '#bedrock/contract.ts';
import type { Waiting } from '#domain/job.ts';
import { failure } from '#domain/failure.ts';
import { batchOf, type Engine, oneStep, startEngine } from './engine.ts';
import { hurriedClock } from './hurried-clock.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** A clock whose beats are the test's to give. */
function beatingClock(): { readonly clock: Clock; beat(): Promise<void> } {
  let next: (() => void) | null = null;
  const clock = hurriedClock({
    after(_ms, action) {
      // As a timer does: the action runs in the activity that asked for it.
      const bound = AsyncResource.bind(action);
      next = bound;
      return () => {
        if (next === bound) next = null;
      };
    },
  });
  return {
    clock,
    async beat() {
      // The report begins some time after the hold is open.
      await expect.poll(() => next !== null, { timeout: 30_000 }).toBe(true);
      next?.();
      for (let turn = 0; turn < 20; turn += 1) await new Promise((go) => setTimeout(go, 1));
    },
  };
}

/** Ports whose gates say what the test says, whatever they do, and whose answers wait for `go`. */
function held(says: { state: GateState | null }, go: Promise<void>) {
  return (ports: ActivityPorts): ActivityPorts => ({
    ...ports,
    gates: (model) => {
      const gate: CallGate = ports.gates(model);
      return { ...gate, state: () => says.state ?? gate.state() };
    },
    model: {
      ...ports.model,
      async call(request, controls) {
        const outcome = await ports.model.call(request, controls);
        await go;
        return outcome;
      },
    },
  });
}

async function runHeld(jobId: string) {
  const says: { state: GateState | null } = { state: null };
  let release = (): void => undefined;
  const go = new Promise<void>((resolve) => (release = resolve));
  const { clock, beat } = beatingClock();
  const worker = await engine.worker({ clock, wrap: held(says, go) });
  const running = worker.generate(batchOf(jobId));
  return { says, beat, running, release, worker };
}

async function waitingOf(jobId: string): Promise<Waiting | null> {
  return (await engine.store.jobs.get(jobId))?.waiting ?? null;
}

async function eventKindsOf(jobId: string): Promise<unknown[]> {
  const events = await engine.store.events.read(jobId, 0, 100);
  return events.filter(({ type }) => type === 'waiting').map(({ data }) => data['kind']);
}

const throttled = (agoMs: number): GateState => ({
  kind: 'throttled',
  sinceMs: Date.now() - agoMs,
  limit: 3,
});
const open = (kind: 'unreachable' | 'quota-exceeded'): GateState => ({
  kind: 'open',
  sinceMs: 0,
  probeAtMs: 0,
  failure: failure(kind, 'what the provider said'),
});

describe('why a job sends nothing', () => {
  it.each([
    { is: 'a long throttle', state: throttled(60_000), kind: 'throttled' },
    { is: 'an outage', state: open('unreachable'), kind: 'provider-down' },
    { is: 'a quota that is used up', state: open('quota-exceeded'), kind: 'quota' },
  ])('is written once and taken back: $is', async ({ state, kind }) => {
    const jobId = await engine.addJob({ document: oneStep });
    const { says, beat, running, release } = await runHeld(jobId);
    says.state = state;
    await beat();
    await expect.poll(async () => (await waitingOf(jobId))?.kind).toBe(kind);
    await beat();
    says.state = { kind: 'flowing' };
    await beat();
    await expect.poll(() => waitingOf(jobId)).toBeNull();
    expect(await eventKindsOf(jobId)).toEqual([kind, null]);
    release();
    expect(await running).toMatchObject({ kind: 'finished' });
  });

  it('is not told of a throttle that lasts no 3 seconds', async () => {
    const jobId = await engine.addJob({ document: oneStep });
    const { says, beat, running, release } = await runHeld(jobId);
    says.state = throttled(1_000);
    await beat();
    expect(await waitingOf(jobId)).toBeNull();
    expect(await eventKindsOf(jobId)).toEqual([]);
    release();
    await running;
  });

  it('is taken back by another process, when the one that said it is gone', async () => {
    const jobId = await engine.addJob({ document: oneStep });
    const since = '2026-11-20T00:00:00.000Z';
    await engine.store.jobs.setWaiting(jobId, { kind: 'provider-down', detail: 'gone', since });
    const { beat, running, release } = await runHeld(jobId);
    await beat();
    await expect.poll(() => waitingOf(jobId)).toBeNull();
    release();
    await running;
  });

  it('is said at the next beat, when the store failed at the first', async () => {
    const jobId = await engine.addJob({ document: oneStep });
    const { says, beat, running, release, worker } = await runHeld(jobId);
    const { jobs } = worker.ports.store;
    const setWaiting = jobs.setWaiting.bind(jobs);
    let failures = 1;
    jobs.setWaiting = async (id, waiting) => {
      failures -= 1;
      if (failures >= 0) throw new Error('the disk is full');
      await setWaiting(id, waiting);
    };
    says.state = open('unreachable');
    await beat();
    expect(await waitingOf(jobId)).toBeNull();
    await beat();
    await expect.poll(async () => (await waitingOf(jobId))?.kind).toBe('provider-down');
    release();
    await running;
  });
});

describe('progress', () => {
  it('is the sum of the job’s batches, while they run and after', async () => {
    const jobId = await engine.addJob({ records: 20, document: oneStep });
    const first = await engine.worker();
    await first.generate(batchOf(jobId));
    const says = { state: null };
    let release = (): void => undefined;
    const go = new Promise<void>((resolve) => (release = resolve));
    const { clock, beat } = beatingClock();
    let calls = 0;
    const second = await engine.worker({
      clock,
      wrap: (ports) => ({
        ...ports,
        model: {
          ...ports.model,
          async call(request, controls) {
            calls += 1;
            const isHeld = calls > 4;
            const outcome = await ports.model.call(request, controls);
            if (isHeld) await go;
            return outcome;
          },
        },
        gates: held(says, go)(ports).gates,
      }),
    });
    const running = second.generate(batchOf(jobId, { batch: 1, start: 10 }));
    await expect.poll(() => calls).toBeGreaterThan(4);
    const progressOf = async () => (await engine.store.jobs.get(jobId))?.progress;
    await expect
      .poll(async () => {
        await beat();
        return progressOf();
      })
      .toEqual({ accepted: 14, rejected: 0, failed: 0, calls: 14 });
    // What is told is paid too.
    const account = await engine.store.ledger.account(jobId);
    expect(account?.spent).toBeGreaterThan(0n);
    release();
    await running;
    expect(await progressOf()).toEqual({ accepted: 20, rejected: 0, failed: 0, calls: 20 });
  });
});

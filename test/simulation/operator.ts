/** What people do while a job runs: pause it, cancel it, find money for it. */
import { reconcileHold } from '#api/reconcile-hold.ts';
import { committed } from '#domain/account.ts';
import { type PicoUsd, pico } from '#domain/money.ts';
import { priceOf, worstCaseCost } from '#domain/pricing.ts';
import { evidenceDelayMs } from '#domain/reconcile.ts';
import { createLife } from './life.ts';
import { createWire } from './wire.ts';
import type { World } from './worker.ts';
import { createWorkerStore } from './worker-store.ts';
import type { Workflow } from './workflow.ts';
import { jobId, type Workload } from './workload.ts';

/** Out of money: somebody raises the limit, or asks the provider's log what really was billed. */
export async function findMoney(world: World, workflow: Workflow): Promise<void> {
  const { time, store, conditions, judge } = world;
  await time.sleep(5_000);
  if (conditions.operator.isReconciling) {
    await time.sleep(evidenceDelayMs);
    await reconcile(world);
  }
  const account = store.accounts.get(jobId);
  if (account === undefined) return;
  const limit = pico(committed(account) + shareOfWorst(store.workload, 3));
  store.execute({ kind: 'set-limit', account: jobId, limit });
  judge.changed(null);
  workflow.controls.limitChanges += 1;
  workflow.wake();
}

/** The provider's whole log is given to the real reconciliation, in a process that nothing disturbs. */
export async function reconcile(world: World): Promise<void> {
  const { time, store, judge, conditions, note } = world;
  const life = createLife(time, 'reconciler');
  const wire = createWire({ ...world, life, deedAt: () => null, apply: () => undefined });
  const reach = {
    completeUntil: new Date(time.nowMs()).toISOString(),
    brokenLines: 0,
    isSigned: true,
  };
  for (const { id, status } of store.unsettledHolds()) {
    if (status === 'open') continue;
    const calls = judge.bills.filter(({ hold }) => hold === id);
    const inLog = { calls, unpriced: 0 };
    const reached = createWorkerStore({ truth: store, wire, judge, conditions });
    for (let isDone = false; !isDone; ) {
      isDone = await reconcileHold(reached, { id, inLog, reach }).then(
        (result) => {
          note(() => `reconciled ${id}: ${result.billed} billed, ${result.released} released`);
          return true;
        },
        () => false,
      );
    }
  }
}

export function operate({ time, conditions, note }: World, workflow: Workflow): void {
  const { pauseAtMs, cancelAtMs } = conditions.operator;
  const set = (change: Partial<Workflow['controls']>) => {
    note(() => `operator ${JSON.stringify(change)}`);
    Object.assign(workflow.controls, change);
    workflow.wake();
  };
  if (pauseAtMs !== null) {
    time.after(pauseAtMs, () => set({ isPaused: true }));
    time.after(pauseAtMs + 30_000, () => set({ isPaused: false }));
  }
  if (cancelAtMs !== null) time.after(cancelAtMs, () => set({ isCancelled: true }));
}

/** So many times what all calls of the job could cost if each cost its worst case. */
export function shareOfWorst({ job, plan, template }: Workload, share: number): PicoUsd {
  const price = priceOf(plan.models[0] ?? '');
  if (price === null) throw new Error('the simulated model has no price');
  const worst = template.template.steps.map(({ maxTokens }) =>
    worstCaseCost(price, { inputTokens: 600, outputTokens: maxTokens }),
  );
  const jobWorst = worst.reduce((sum, one) => sum + one, 0n) * BigInt(job.spec.records);
  return pico((jobWorst * BigInt(Math.round(share * 1_000))) / 1_000n);
}

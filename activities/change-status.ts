import type { Store } from '#store/contract.ts';
import type { StatusInput } from './contract.ts';
import type { Clock } from './ports.ts';

export function createChangeStatus(store: Store, clock: Clock) {
  return async function changeStatus(input: StatusInput): Promise<void> {
    const { jobId, to, seq, failure } = input;
    const at = clock.timestamp();
    const waiting = input.waiting === null ? null : { ...input.waiting, since: at };
    const before = await store.jobs.get(jobId);
    const outcome = await store.jobs.changeStatus(jobId, { to, seq, at, waiting, failure });
    // A repetition, or a late attempt of a change that another has made: said once.
    if (outcome.kind === 'refused' || before?.statusSeq === seq) return;
    const detail = failure?.message ?? waiting?.detail ?? null;
    await store.events.append(jobId, { at, type: 'status', data: { status: to, detail } });
  };
}

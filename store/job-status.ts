import { isEnded, type Job, mayBecome } from '#domain/job.ts';
import type { StatusChange } from './contract.ts';

export type StatusDecision =
  | { readonly kind: 'change'; readonly job: Job }
  /** The change was made before. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused' };

/** What a status change does to the stored job: every adapter of Jobs obeys it. */
export function decideStatus(job: Job, change: StatusChange): StatusDecision {
  if (change.seq === job.statusSeq && change.to === job.status) return { kind: 'repeated' };
  // A gap is allowed: a change that was given up before it was made leaves its number unused.
  if (change.seq <= job.statusSeq || !mayBecome(job.status, change.to)) return { kind: 'refused' };
  const changed = {
    ...job,
    status: change.to,
    statusSeq: change.seq,
    waiting: change.waiting,
    failure: change.failure,
    // A job that is resumed started when it first ran.
    startedAt: job.startedAt ?? (change.to === 'running' ? change.at : null),
    endedAt: isEnded(change.to) ? change.at : null,
  };
  return { kind: 'change', job: changed };
}

/** What the Temporal Web UI shows of a job: current details, and search attributes for its lists. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { JobStatus, RecordCounts } from '#domain/job.ts';
import type { Plan } from './contract.ts';
import type { JobState } from './next-action.ts';

export interface Display {
  show(status: JobStatus, state: JobState, counts: RecordCounts): void;
}

const statusKey = defineSearchAttributeKey('PPStatus', SearchAttributeType.KEYWORD);
const doneKey = defineSearchAttributeKey('PPDone', SearchAttributeType.INT);

/** Search attributes cost an event each time: written at a new status and at each tenth of the records. */
const stepsMax = 10;

export function createDisplay(plan: Plan): Display {
  let shown = '';
  return {
    show(status, state, counts) {
      const done = counts.accepted + counts.rejected + counts.failed;
      setCurrentDetails(details(plan, status, state, counts));
      const step = Math.floor((done / plan.records) * stepsMax);
      if (shown === `${status} ${step}`) return;
      shown = `${status} ${step}`;
      upsertSearchAttributes([
        { key: statusKey, value: status },
        { key: doneKey, value: done },
      ]);
    },
  };
}

function details(plan: Plan, status: JobStatus, state: JobState, counts: RecordCounts): string {
  const done = counts.accepted + counts.rejected + counts.failed;
  return [
    `**${status}**: ${done} of ${plan.records} records in finished batches`,
    `- ${counts.accepted} accepted, ${counts.failed} failed, ${counts.rejected} rejected`,
    `- batches: ${state.finishedBatches} of ${plan.batches} finished, ${state.inFlight} in flight, ${state.redo.length} to be run again`,
    `- template ${plan.template}; models ${plan.models.join(', ')}; at most ${plan.concurrency} calls in flight`,
    'Money and live progress: the job’s page of the API.',
  ].join('\n');
}

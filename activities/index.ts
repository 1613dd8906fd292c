import type { Activities } from './contract.ts';
import { createChangeStatus } from './change-status.ts';
import { explained } from './explain-failure.ts';
import { createExportDataset } from './export-dataset.ts';
import { createGenerateBatch } from './generate-batch.ts';
import { createJobContexts } from './job-context.ts';
import { createJobPools } from './job-pool.ts';
import { createPlanJob } from './plan-job.ts';
import type { ActivityPorts } from './ports.ts';
import { createProgressReports } from './progress-report.ts';
import { createSettleAccount } from './settle-account.ts';

/** The activities of one worker process; its caches, pools and gates are shared by all its batches. */
export function createActivities(ports: ActivityPorts): Activities {
  const { store, clock } = ports;
  const contexts = createJobContexts(ports);
  const pools = createJobPools();
  const reports = createProgressReports(ports);
  return {
    planJob: createPlanJob(contexts),
    changeStatus: createChangeStatus(store, clock),
    generateBatch: explained(reports, createGenerateBatch({ ...ports, contexts, pools, reports })),
    settleAccount: explained(reports, createSettleAccount(store, clock)),
    exportDataset: explained(reports, createExportDataset(ports, contexts)),
  };
}

import { z } from '@hono/zod-openapi';

const usd = z.string().openapi({ example: '0.0612', description: 'USD, exact.' });
const at = z.string().openapi({ format: 'date-time' });

export const reconciliationSummary = z.object({
  recovered: usd.openapi({ description: 'Paid for durable answers that were not paid for yet.' }),
  billed: usd.openapi({ description: 'From unknown to spent, because the log shows the calls.' }),
  released: usd.openapi({ description: 'From unknown to available, because the log lacks them.' }),
  unknown: usd.openapi({ description: 'What is unknown still, of the whole job.' }),
  holds: z.object({
    examined: z.int().openapi({ description: 'Ended holds that had unknown money.' }),
    settled: z.int().openapi({ description: 'Those of them that have none any more.' }),
    open: z.int().openapi({ description: 'Holds of batches that are running: left alone.' }),
  }),
  calls: z.object({
    found: z.int().openapi({ description: "The job's billed requests in the log." }),
    unanswered: z.int().openapi({
      description: 'Calls of the examined holds without an answer in the journal.',
    }),
  }),
  log: z.object({
    records: z.int(),
    broken: z.int().openapi({ description: 'Lines that cannot be read.' }),
    newest: at.nullable(),
    complete_until: at.nullable(),
  }),
  problems: z.array(
    z.object({ hold: z.string().nullable(), kind: z.string(), detail: z.string() }),
  ),
});

export const reconciliationBody = reconciliationSummary
  .extend({
    object: z.literal('reconciliation'),
    job: z.string(),
    at,
    account_status: z.enum(['active', 'frozen']),
  })
  .openapi('Reconciliation');

export type Reconciliation = z.output<typeof reconciliationBody>;

export const reconciliationList = z
  .object({
    object: z.literal('list'),
    data: z.array(reconciliationSummary.extend({ at })),
  })
  .openapi('ReconciliationList');

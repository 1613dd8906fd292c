// api translates HTTP; what runs is behind contracts.
import '#domain/job.ts';
import '#api/problem.ts';
import './problem.ts';
import '#seeds/contract.ts';
import '#store/contract.ts';
import '#workflows/contract.ts';
import '#prompts/contract.ts';
export type { A as A1 } from '#bedrock/contract.ts';
import 'hono';
import 'hono/streaming';
import '@hono/zod-openapi';
import 'zod';
import '@temporalio/client';
import 'node:stream';
export { a as a2 } from '#bedrock/contract.ts'; // refused: eslint(no-restricted-imports)
import '#bedrock/converse.ts'; // refused: eslint(no-restricted-imports)
import '#store/sqlite/ledger.ts'; // refused: eslint(no-restricted-imports)
import '#workflows/generate-dataset.ts'; // refused: eslint(no-restricted-imports)
export { a as a3 } from '#activities/contract.ts'; // refused: eslint(no-restricted-imports)
import '#prompts/render.ts'; // refused: eslint(no-restricted-imports)
import '#simulator/models.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '@temporalio/worker'; // refused: eslint(no-restricted-imports)
import '@aws-sdk/client-bedrock-runtime'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

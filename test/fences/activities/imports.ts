// activities reach the outside through contracts.
import '#domain/money.ts';
import '#activities/contract.ts';
import './holder.ts';
import '#prompts/contract.ts';
import '#store/contract.ts';
import '#bedrock/contract.ts';
import '@temporalio/activity';
import '@temporalio/common';
import 'node:crypto';
import '#store/sqlite/ledger.ts'; // refused: eslint(no-restricted-imports)
import '#bedrock/converse.ts'; // refused: eslint(no-restricted-imports)
import '#seeds/read-seeds.ts';
export type { A } from '#workflows/contract.ts';
export { a } from '#workflows/contract.ts'; // refused: eslint(no-restricted-imports)
import '#workflows/generate-dataset.ts'; // refused: eslint(no-restricted-imports)
import '#api/app.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '@temporalio/client'; // refused: eslint(no-restricted-imports)
import '@temporalio/worker'; // refused: eslint(no-restricted-imports)
import '@aws-sdk/client-bedrock-runtime'; // refused: eslint(no-restricted-imports)
import 'node:fs'; // refused: eslint(no-restricted-imports)
import 'node:fs/promises'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

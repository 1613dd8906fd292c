// workflows know activities by their types, and Temporal; Node does not exist there.
import '#domain/money.ts';
import './contract.ts';
import '#workflows/contract.ts';
import '@temporalio/workflow';
import '@temporalio/common';
export type { A as A1 } from '#activities/contract.ts';
export { a as a2 } from '#activities/contract.ts'; // refused: eslint(no-restricted-imports)
import '#activities/generate-batch.ts'; // refused: eslint(no-restricted-imports)
export type { A as A3 } from '#activities/generate-batch.ts'; // refused: eslint(no-restricted-imports)
import '#store/contract.ts'; // refused: eslint(no-restricted-imports)
import '@temporalio/activity'; // refused: eslint(no-restricted-imports)
import '@temporalio/client'; // refused: eslint(no-restricted-imports)
import 'node:crypto'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

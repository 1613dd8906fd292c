// store obeys domain and knows no other folder.
import '#domain/ledger.ts';
import '#store/contract.ts';
import './contract.ts';
import 'node:sqlite';
import 'node:fs/promises';
import 'zod';
export { a as a1 } from '#bedrock/contract.ts'; // refused: eslint(no-restricted-imports)
export { a as a2 } from '#activities/contract.ts'; // refused: eslint(no-restricted-imports)
import '#seeds/contract.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '@temporalio/client'; // refused: eslint(no-restricted-imports)
import '@aws-sdk/client-bedrock-runtime'; // refused: eslint(no-restricted-imports)
import 'csv-parse'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

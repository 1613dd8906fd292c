// prompts is the sandbox, its vendors and domain.
import '#domain/template.ts';
import '#prompts/contract.ts';
import './contract.ts';
import 'quickjs-emscripten';
import 'yaml';
import 'zod';
import 'node:worker_threads';
import '#store/contract.ts'; // refused: eslint(no-restricted-imports)
export { a as a1 } from '#bedrock/contract.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '@aws-sdk/client-bedrock-runtime'; // refused: eslint(no-restricted-imports)
import 'hono'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

// simulator is the witness in every money test: it shares prices with the project and nothing else.
import '#domain/pricing.ts';
import '#domain/money.ts';
import '#simulator/models.ts';
import './models.ts';
import 'node:http';
import '@smithy/eventstream-codec';
import '#domain/ledger.ts'; // refused: eslint(no-restricted-imports)
import '#domain/budget.ts'; // refused: eslint(no-restricted-imports)
export { a as a1 } from '#bedrock/contract.ts'; // refused: eslint(no-restricted-imports)
import '#store/contract.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '@aws-sdk/client-bedrock-runtime'; // refused: eslint(no-restricted-imports)
import 'zod';
import 'hono'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

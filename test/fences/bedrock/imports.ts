// bedrock is the AWS SDK and domain.
import '#domain/failure.ts';
import '#bedrock/contract.ts';
import './contract.ts';
import '@aws-sdk/client-bedrock-runtime';
import '@smithy/node-http-handler';
import 'node:http';
import 'zod';
import '#store/contract.ts'; // refused: eslint(no-restricted-imports)
import '#prompts/contract.ts'; // refused: eslint(no-restricted-imports)
import '#simulator/models.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '@temporalio/activity'; // refused: eslint(no-restricted-imports)
import 'quickjs-emscripten'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

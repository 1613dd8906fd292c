// seeds reads seed files as streams and hands rows to a store.
import '#domain/seed.ts';
import '#seeds/contract.ts';
import './contract.ts';
import '#store/contract.ts';
import 'csv-parse';
import 'node:stream';
import 'node:stream/promises';
import 'zod';
import '#store/files/objects.ts'; // refused: eslint(no-restricted-imports)
import '#api/app.ts'; // refused: eslint(no-restricted-imports)
import '#prompts/contract.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import 'yaml'; // refused: eslint(no-restricted-imports)
import 'hono'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

// config.ts reads the environment and parses it.
import '#domain/money.ts';
import 'zod';
import 'node:path';
import '#store/contract.ts'; // refused: eslint(no-restricted-imports)
import '#api/app.ts'; // refused: eslint(no-restricted-imports)
import 'commander'; // refused: eslint(no-restricted-imports)

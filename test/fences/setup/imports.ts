// setup runs before anything is installed.
import 'node:fs';
import './lock.mjs';
import '#setup/lock.mjs';
import '#domain/money.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import 'zod'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)

// domain decides: it imports nothing but itself.
import '#domain/money.ts';
import './sibling.ts';
import '#store/contract.ts'; // refused: eslint(no-restricted-imports)
export type { A as A1 } from '#store/contract.ts'; // refused: eslint(no-restricted-imports)
import '#config.ts'; // refused: eslint(no-restricted-imports)
import '#domain.ts'; // refused: eslint(no-restricted-imports)
import 'node:fs'; // refused: eslint(no-restricted-imports)
import 'node:crypto'; // refused: eslint(no-restricted-imports)
import 'zod'; // refused: eslint(no-restricted-imports)
import '@temporalio/common'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)
import '../../store/contract.ts'; // refused: eslint(no-restricted-imports)
export { a as a2 } from '#bedrock/contract.ts'; // refused: eslint(no-restricted-imports)

// composition roots import anything but infra, tests and benchmarks.
import '#domain/money.ts';
import '#store/sqlite/ledger.ts';
import '#activities/index.ts';
import '#config.ts';
import 'commander';
import 'node:fs';
import '#infra/app.ts'; // refused: eslint(no-restricted-imports)
import '#test/report.mjs'; // refused: eslint(no-restricted-imports)
import '#bench/main.ts'; // refused: eslint(no-restricted-imports)
import '../store/contract.ts'; // refused: eslint(no-restricted-imports)
import '../../store/contract.ts'; // refused: eslint(no-restricted-imports)

// anywhere: across folders imports are `#folder/file.ts`.
import '#domain/money.ts';
import './sibling.ts';
import '../file.ts'; // refused: eslint(no-restricted-imports)
import '../folder/file.ts'; // refused: eslint(no-restricted-imports)
import '../../folder/file.ts'; // refused: eslint(no-restricted-imports)

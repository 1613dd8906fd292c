// Files do not import each other in a circle.
import { two } from './two.ts'; // refused: import(no-cycle)

export const one = (): number => two();

// Errors are errors.
export function fails(): never {
  throw 'text'; // refused: typescript(only-throw-error)
}

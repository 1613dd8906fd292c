// A union is exhausted.
type Outcome = { readonly kind: 'answered' } | { readonly kind: 'unknown' };

export function forgets(outcome: Outcome): void {
  switch (
    outcome.kind // refused: typescript(switch-exhaustiveness-check)
  ) {
    case 'answered':
      return;
  }
}

export function exhausts(outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answered':
      return;
    case 'unknown':
      return;
  }
}

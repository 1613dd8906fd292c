/**
 * Searches every order of events of the money protocol, from the command line:
 * `node test/ledger-search/main.ts` for the real rules, `--mutant NAME` for a wrong one's shortest
 * trace, `--mutants` for all of them in short.
 */
import { configs } from './configs.ts';
import { type Mutant, mutants } from './mutants.ts';
import { realRules } from './rules.ts';
import { search, type SearchResult } from './search.ts';

const [option, name] = process.argv.slice(2);
switch (option) {
  case undefined:
    searchReal();
    break;
  case '--mutants':
    for (const mutant of mutants) searchMutant(mutant);
    break;
  case '--mutant':
    searchMutant(mutantNamed(name));
    break;
  default:
    stop(`"${option}" is not an option; allowed are --mutants and --mutant NAME`);
}

function searchReal(): void {
  for (const config of configs) {
    const result = search(config, realRules);
    console.log(`${config.name}: ${describe(result)}`);
    if (result.kind === 'violated') process.exitCode = 1;
  }
}

function searchMutant(mutant: Mutant): void {
  const result = search(mutant.config, mutant.rules);
  console.log(`${mutant.name} (${mutant.mistake}), ${mutant.config.name}: ${describe(result)}`);
  if (result.kind === 'exhausted') process.exitCode = 1;
}

function describe(result: SearchResult): string {
  if (result.kind === 'exhausted') {
    return `${result.states} states, ${result.transitions} transitions, no violation`;
  }
  const steps = result.trace.map((step, index) => `  ${index + 1}. ${step}`);
  return [`${result.broken}, after ${result.states} states`, ...steps].join('\n');
}

function mutantNamed(wanted: string | undefined): Mutant {
  const found = mutants.find((mutant) => mutant.name === wanted);
  if (found !== undefined) return found;
  const names = mutants.map((mutant) => mutant.name).join(', ');
  return stop(`"${wanted}" is not a mutant; they are ${names}`);
}

function stop(message: string): never {
  console.error(message);
  process.exit(2);
}

/** Engines that are wrong on purpose, made by wrapping a port: the simulation must find each of them. */
import type { ActivityPorts } from '#activities/ports.ts';
import type { LedgerCommand } from '#domain/ledger.ts';
import type { Store } from '#store/contract.ts';
import type { Violation } from './judge.ts';
import type { Mutation } from './simulate.ts';

export interface Mutant {
  readonly name: string;
  readonly rule: Violation['rule'];
  readonly mutate: Mutation;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'uses and captures an answer before it is durable',
    rule: 'paid-again',
    mutate: (ports) =>
      withStore(ports, {
        journal: {
          ...ports.store.journal,
          append(attempt, entries) {
            void ports.store.journal.append(attempt, entries).catch(() => undefined);
            return Promise.resolve();
          },
        },
      }),
  },
  {
    name: 'takes a lost answer for one that was not billed',
    rule: 'limit',
    mutate: (ports) => ({
      ...ports,
      model: {
        ...ports.model,
        async call(request, controls) {
          const outcome = await ports.model.call(request, controls);
          if (outcome.kind !== 'unknown') return outcome;
          return { kind: 'not-billed', failure: outcome.failure, retryAfterMs: null };
        },
      },
    }),
  },
  {
    name: 'sends a lost call again inside the adapter',
    rule: 'limit',
    mutate: (ports) => ({
      ...ports,
      model: {
        ...ports.model,
        async call(request, controls) {
          const outcome = await ports.model.call(request, controls);
          return outcome.kind === 'unknown' ? ports.model.call(request, controls) : outcome;
        },
      },
    }),
  },
  {
    name: 'does not look at what earlier attempts were answered',
    rule: 'paid-again',
    mutate: (ports) =>
      withStore(ports, {
        journal: { ...ports.store.journal, read: () => Promise.resolve([]) },
      }),
  },
  {
    name: 'hands the money of a predecessor back instead of abandoning it',
    rule: 'limit',
    mutate: (ports) =>
      withStore(ports, {
        ledger: {
          ...ports.store.ledger,
          async execute(command) {
            if (command.kind === 'open') await closeNewest(ports.store, command);
            return await ports.store.ledger.execute(command);
          },
        },
      }),
  },
  {
    name: 'sends without the fence that a sleeper must pass',
    rule: 'limit',
    mutate: (ports) => ({
      ...ports,
      model: {
        ...ports.model,
        call: (request, { signal }) =>
          ports.model.call(request, { signal, beforeSend: () => Promise.resolve() }),
      },
    }),
  },
  {
    name: 'makes a text depend on the attempt that asked for it',
    rule: 'same-bytes',
    mutate: (ports) => ({
      ...ports,
      model: {
        ...ports.model,
        async call(request, controls) {
          const outcome = await ports.model.call(request, controls);
          if (outcome.kind !== 'answered' || outcome.answer.text === '') return outcome;
          const text = `${outcome.answer.text} (${request.hold})`;
          return { kind: 'answered', answer: { ...outcome.answer, text } };
        },
      },
    }),
  },
];

function withStore(ports: ActivityPorts, over: Partial<Store>): ActivityPorts {
  return { ...ports, store: { ...ports.store, ...over } };
}

async function closeNewest(
  { ledger }: Store,
  { account, batch, at }: LedgerCommand & { kind: 'open' },
): Promise<void> {
  const newest = (await ledger.holdsOfBatch(account, batch)).at(-1);
  if (newest?.status !== 'open') return;
  await ledger.execute({ kind: 'close', hold: newest.id, seq: newest.seq + 1, at });
}

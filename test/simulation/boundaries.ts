/** Every place between two of the engine's port calls where its process may end, stop or be told to end. */
import { type Conditions, type Deed, type PlannedDeed, undisturbed } from './conditions.ts';

export interface Boundary {
  readonly at: string;
  /** What has just been done, or is about to be. */
  readonly is: string;
  /** Deeds without which the boundary is never reached. */
  readonly first?: readonly PlannedDeed[];
  /** Lost calls, without which it is never reached. */
  readonly lost?: number;
}

const kill: Deed = { kind: 'kill' };
const afterAnswers: PlannedDeed[] = [{ at: 'after:journal.append', nth: 3, deed: kill }];
/** The part stands and its hold is still open: only the settling at the end finds it. */
const afterPart: PlannedDeed[] = [{ at: 'before:ledger.close', nth: 1, deed: kill }];

export const boundaries: readonly Boundary[] = [
  { at: 'after:jobs.changeStatus', is: 'a status was stored' },
  { at: 'after:jobs.get', is: 'the job was loaded' },
  { at: 'after:objects.get', is: 'a part was looked for' },
  { at: 'after:journal.read', is: 'the journal was read' },
  { at: 'before:ledger.open', is: 'a hold is about to be opened' },
  { at: 'after:ledger.open', is: 'a hold was opened' },
  {
    at: 'before:ledger.recover',
    is: 'late answers are about to be recovered',
    first: afterAnswers,
  },
  { at: 'after:ledger.recover', is: 'late answers were recovered', first: afterAnswers },
  { at: 'after:prompts.render', is: 'a prompt was rendered' },
  { at: 'before:model.call', is: 'a call is about to be signed' },
  { at: 'before:model.send', is: 'a call passed the fence' },
  { at: 'after:model.call', is: 'an answer arrived' },
  { at: 'before:journal.append', is: 'an answer is about to be appended' },
  { at: 'after:journal.append', is: 'an answer is durable' },
  { at: 'before:ledger.capture', is: 'answers are about to be captured' },
  { at: 'after:ledger.capture', is: 'answers were captured' },
  { at: 'before:ledger.shelve', is: 'a lost call is about to be shelved', lost: 0.5 },
  { at: 'after:ledger.shelve', is: 'a lost call was shelved', lost: 0.5 },
  { at: 'before:objects.putIfAbsent', is: 'a part is about to be put' },
  { at: 'after:objects.putIfAbsent', is: 'a part was put' },
  { at: 'after:jobs.recordBatch', is: 'counts were recorded' },
  { at: 'before:ledger.close', is: 'a hold is about to be closed' },
  { at: 'after:ledger.close', is: 'a hold was closed' },
  { at: 'before:complete.generateBatch', is: 'a batch is about to be reported' },
  { at: 'before:ledger.abandon', is: 'a stranded hold is about to be abandoned', first: afterPart },
  { at: 'after:ledger.abandon', is: 'a stranded hold was abandoned', first: afterPart },
  { at: 'before:complete.settleAccount', is: 'the settling is about to be reported' },
  { at: 'after:objects.write', is: 'an export was begun' },
  { at: 'after:writer.write', is: 'an export is half written' },
  { at: 'after:writer.commit', is: 'a file of an export was committed' },
  { at: 'after:objects.put', is: 'the manifest was put' },
  { at: 'after:jobs.setOutput', is: 'an export was made the newest' },
  { at: 'before:complete.exportDataset', is: 'an export is about to be reported' },
];

/** The deed at the nth time that the boundary is reached, in a run where nothing else goes wrong. */
export function conditionsAt(
  boundary: Boundary,
  deed: Deed,
  { nth, variant }: { nth: number; variant: number },
): Conditions {
  const calm = undisturbed(variant);
  return {
    ...calm,
    seed: 1_000 * variant + nth,
    workers: 2,
    calmAtMs: 10 * 60_000,
    limit: 40,
    wire: { ...calm.wire, delayMsMax: 5 },
    provider: { ...calm.provider, lostUnbilled: boundary.lost ?? 0 },
    deeds: {
      ...calm.deeds,
      planned: [...(boundary.first ?? []), { at: boundary.at, nth, deed }],
    },
  };
}

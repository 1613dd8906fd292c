/** Reads what was delivered as a stranger would: files, digests, counts, and each record's one line. */
import type { Manifest } from '#domain/manifest.ts';
import { usd } from '#domain/money.ts';
import type { Judge } from './judge.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Outcome } from './workflow.ts';
import { sha256 } from './workload.ts';

export interface Delivered {
  readonly records: string;
  readonly failures: string;
}

interface Line {
  readonly index: number;
  readonly reason?: string;
}

export function judgeExport(judge: Judge, store: MemoryStore, outcome: Outcome): Delivered {
  const { output } = store.job;
  if (output === null) {
    judge.blame('counts', 'the job ended and nothing was delivered');
    return { records: '', failures: '' };
  }
  const read = (path: string) =>
    new TextDecoder().decode(store.objects.get(`${output.prefix}/${path}`) ?? new Uint8Array());
  for (const { path, bytes, sha256: digest } of output.files) {
    const file = store.objects.get(`${output.prefix}/${path}`) ?? new Uint8Array();
    if (file.length !== bytes || sha256(file) !== digest) {
      judge.blame('counts', `${path} is not what the manifest says`);
    }
  }
  const records = read('records.jsonl');
  const failures = read('failures.jsonl');
  const manifest: Manifest = JSON.parse(read('manifest.json'));
  judgeLines(judge, manifest, {
    records: linesOf(records),
    failures: linesOf(failures),
    provenance: linesOf(read('provenance.jsonl')),
  });
  judgeManifest(judge, manifest, outcome);
  const { accepted, failed } = store.job.progress;
  const isCounted = accepted === manifest.records.accepted && failed === manifest.records.failed;
  if (outcome === 'completed' && !isCounted) {
    judge.blame('counts', `the job's progress says ${accepted} and ${failed}`);
  }
  return { records, failures };
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): Line => JSON.parse(line));
}

function judgeLines(
  judge: Judge,
  manifest: Manifest,
  files: { records: Line[]; failures: Line[]; provenance: Line[] },
): void {
  const { requested, accepted, rejected, failed, not_started: notStarted } = manifest.records;
  const { records, failures, provenance } = files;
  const indexes = [...records, ...failures].map(({ index }) => index).sort((a, b) => a - b);
  const isInOrder = (lines: Line[]) =>
    lines.every(({ index }, at) => at === 0 || index > (lines[at - 1]?.index ?? -1));
  const told = `${records.length} records, ${failures.length} failures of ${requested}`;
  if (new Set(indexes).size !== indexes.length)
    judge.blame('counts', `an index twice: ${indexes.join()}`);
  if (indexes.some((index) => index < 0 || index >= requested)) {
    judge.blame('counts', `an index outside the plan: ${indexes.join()}`);
  }
  if (![records, failures, provenance].every(isInOrder)) {
    judge.blame('counts', 'lines are not in the order of their indexes');
  }
  if (provenance.map(({ index }) => index).join() !== indexes.join()) {
    judge.blame('counts', `provenance has other indexes than ${indexes.join()}`);
  }
  if (records.length !== accepted || failures.length !== failed || rejected !== 0) {
    judge.blame('counts', `${told}; the manifest says ${accepted} and ${failed}`);
  }
  if (requested !== accepted + rejected + failed + notStarted) {
    judge.blame('counts', `${told} and ${notStarted} not started do not add up`);
  }
}

function judgeManifest(judge: Judge, { status, records, cost }: Manifest, outcome: Outcome): void {
  if (status !== outcome) judge.blame('counts', `the job ${outcome}, its manifest ${status}`);
  if (outcome === 'completed' && records.not_started > 0) {
    judge.blame('counts', `completed with ${records.not_started} not started`);
  }
  const sum = usd(cost.available) + usd(cost.held) + usd(cost.unknown) + usd(cost.spent);
  if (sum !== usd(cost.limit))
    judge.blame('counts', `costs do not add up: ${JSON.stringify(cost)}`);
  if (usd(cost.spent) !== usd(cost.in_records) + usd(cost.not_used)) {
    judge.blame('counts', `spent is not what was used and not used: ${JSON.stringify(cost)}`);
  }
  // A replaced attempt may still hold money that pays for answers which its part has brought already.
  const isAllPaid = usd(cost.unknown) === 0n && usd(cost.held) === 0n;
  if (usd(cost.not_used) < 0n && isAllPaid) {
    judge.blame('counts', `records cost more than was spent: ${JSON.stringify(cost)}`);
  }
}

/** The same answers give the same bytes; where chance took answers, what both accepted is the same. */
export function judgeBytes(
  judge: Judge,
  delivered: Delivered,
  undisturbed: Delivered,
  areAnswersSame: boolean,
): void {
  const isLost = ({ reason }: Line) => reason === 'no-answer' || reason === 'provider-error';
  if (areAnswersSame && !linesOf(delivered.failures).some(isLost)) {
    for (const file of ['records', 'failures'] as const) {
      if (delivered[file] !== undisturbed[file]) {
        judge.blame('same-bytes', `${file}.jsonl differs from the undisturbed run`);
      }
    }
    return;
  }
  const expected = new Map(undisturbed.records.split('\n').map((line) => [indexOf(line), line]));
  for (const line of delivered.records.split('\n')) {
    const other = expected.get(indexOf(line));
    if (other !== undefined && other !== line) {
      judge.blame('same-bytes', `record ${indexOf(line)} differs from the undisturbed run`);
    }
  }
}

function indexOf(line: string): number {
  const parsed: Line = line === '' ? { index: -1 } : JSON.parse(line);
  return parsed.index;
}

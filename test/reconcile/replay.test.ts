import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ActivityPorts } from '#activities/ports.ts';
import { compareBytes } from '#cli/compare-bytes.ts';
import { replay } from '#cli/commands/replay.ts';
import { readEnvironment } from '#cli/environment.ts';
import type { Terminal } from '#cli/terminal.ts';
import { batchKey, planBatches } from '#domain/plan.ts';
import type { KnobsPatch } from '#simulator/knobs.ts';
import { inActivity } from '#test/activities/activity-context.ts';
import { batchOf, billOf, type Engine, planOf, startEngine } from '#test/activities/engine.ts';

let engine: Engine;
afterEach(() => engine.close());

/** A job of three batches, exported and ended. */
async function exportedJob(knobs: KnobsPatch = {}, lost = ''): Promise<string> {
  engine = await startEngine({ seed: 3, ...knobs });
  const jobId = await engine.addJob({ records: 25 });
  const { generate, activities } = await engine.worker({
    wrap: (ports) => (lost === '' ? ports : losing(ports, lost)),
  });
  const plan = planBatches(25);
  for (let batch = 0; batch < plan.batches; batch += 1) {
    const start = batch * plan.batchRecords;
    const size = Math.min(plan.batchRecords, 25 - start);
    await generate(batchOf(jobId, { batch, start, size }));
  }
  const input = { jobId, plan: planOf(25), number: 1, status: 'completed' as const };
  await inActivity(() => activities.exportDataset(input));
  const at = new Date().toISOString();
  for (const [seq, to] of (['running', 'finalizing', 'completed'] as const).entries()) {
    const change = { to, seq: seq + 1, at, waiting: null, failure: null };
    await engine.store.jobs.changeStatus(jobId, change);
  }
  return jobId;
}

/** Every answer to a prompt that contains the text is lost. */
function losing(ports: ActivityPorts, text: string): ActivityPorts {
  const failure = { kind: 'no-answer' as const, message: 'lost' };
  return {
    ...ports,
    model: {
      ...ports.model,
      call: async (request, controls) =>
        request.prompt.includes(text)
          ? { kind: 'unknown', failure }
          : ports.model.call(request, controls),
    },
  };
}

async function replayed(jobId: string, out?: string) {
  const events: Record<string, unknown>[] = [];
  const terminal: Terminal = {
    isJson: true,
    isInteractive: false,
    event: (event) => void events.push(event),
    print: () => undefined,
    say: () => undefined,
    progress: () => undefined,
    endProgress: () => undefined,
  };
  const environment = readEnvironment({ PLOT_HOME: engine.home });
  const signal = new AbortController().signal;
  const exitCode = await replay(jobId, out === undefined ? {} : { out }, {
    terminal,
    environment,
    signal,
  });
  return { exitCode, result: events.at(-1) };
}

async function fileOf(jobId: string, path: string): Promise<string> {
  const job = await engine.store.jobs.get(jobId);
  return join(engine.home, 'objects', job?.output?.prefix ?? '', path);
}

describe('plot replay', () => {
  it('makes the same bytes and no call, when every record was answered', async () => {
    const jobId = await exportedJob();
    const billed = await billOf(engine, jobId);
    const out = await mkdtemp(join(tmpdir(), 'plot-replay-'));
    try {
      const { exitCode, result } = await replayed(jobId, out);
      expect(exitCode).toBe(0);
      expect(result).toMatchObject({ status: 'identical', replayed: 25, copied: 0 });
      expect(await readFile(join(out, 'records.jsonl'), 'utf8')).toBe(
        await readFile(await fileOf(jobId, 'records.jsonl'), 'utf8'),
      );
    } finally {
      await rm(out, { recursive: true });
    }
    expect(await billOf(engine, jobId)).toEqual(billed);
  });

  it('makes the same bytes, when answers were cut off or lost for good', async () => {
    const faults = { maxTokens: 0.1, emptyAnswer: 0.1, resetAfterBilling: 0.2 };
    const jobId = await exportedJob({ faults }, 'facts on the film Film 3.');
    const { result } = await replayed(jobId);
    expect(result).toMatchObject({ status: 'identical' });
    expect(Number(result?.['copied'])).toBeGreaterThan(0);
    expect(Number(result?.['replayed']) + Number(result?.['copied'])).toBe(25);
  });

  it('makes the same bytes, when a zombie journaled another answer after the part was put', async () => {
    const jobId = await exportedJob();
    const at = { jobId, batch: batchKey(0) };
    const [attempt] = await engine.store.journal.read(jobId, at.batch);
    const [entry] = attempt?.entries ?? [];
    if (entry === undefined || entry === 'corrupt') throw new Error('the journal is empty');
    await engine.store.journal.append({ ...at, ordinal: 2 }, [
      { ...entry, text: 'another answer' },
    ]);
    expect((await replayed(jobId)).result).toMatchObject({ status: 'identical' });
  });

  it('ends with code 6 at the first line that differs, when an exported record was changed', async () => {
    const jobId = await exportedJob();
    const file = await fileOf(jobId, 'records.jsonl');
    const lines = (await readFile(file, 'utf8')).split('\n');
    lines[3] = lines[3]?.replace('"index":3', '"index":9') ?? '';
    await writeFile(file, lines.join('\n'));
    await expect(replayed(jobId)).rejects.toMatchObject({
      exitCode: 6,
      message: 'records.jsonl differs from the export in line 4',
    });
  });

  it('ends with code 6, when the journal lost an answer that the export has', async () => {
    const jobId = await exportedJob();
    const journal = join(engine.home, 'journal', jobId, batchKey(1), '1.jsonl');
    const lines = (await readFile(journal, 'utf8')).split('\n');
    await writeFile(
      journal,
      [lines[0]?.replace('"text":"', '"text":"X'), ...lines.slice(1)].join('\n'),
    );
    await expect(replayed(jobId)).rejects.toMatchObject({ exitCode: 6, code: 'replay_differs' });
  });

  it('is refused, when the job has not ended', async () => {
    engine = await startEngine();
    const jobId = await engine.addJob();
    await expect(replayed(jobId)).rejects.toMatchObject({ code: 'not_ended' });
  });
});

describe('compareBytes', () => {
  it.each([
    { written: ['ab\ncd\n'], expected: ['a', 'b\nc', 'd\n'], found: null },
    { written: ['a', 'b\nc', 'd\n'], expected: ['ab\ncd\n'], found: null },
    {
      written: ['ab\ncX\n'],
      expected: ['ab\ncd\n'],
      found: { line: 2, expected: 'd\n', found: 'X\n' },
    },
    { written: ['ab\n'], expected: ['ab\ncd\n'], found: { line: 2, expected: 'cd\n', found: '' } },
    { written: ['ab\ncd\n'], expected: ['ab\n'], found: { line: 2, expected: '', found: 'cd\n' } },
    { written: [], expected: [], found: null },
  ])('finds $found, when $written is written and $expected is expected', async (row) => {
    engine = { close: () => Promise.resolve() } as Engine;
    const pieces = (async function* () {
      for (const piece of row.expected) yield Buffer.from(piece);
    })();
    const { writer, difference } = compareBytes(pieces, null);
    for (const piece of row.written) await writer.write(Buffer.from(piece));
    await writer.commit();
    expect(difference()).toEqual(row.found);
  });
});

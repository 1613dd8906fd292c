import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ActivityPorts } from '#activities/ports.ts';
import { reconcileJob } from '#api/reconcile-job.ts';
import { createInvocationLog } from '#bedrock/invocation-log.ts';
import { batchKey } from '#domain/plan.ts';
import type { KnobsPatch } from '#simulator/knobs.ts';
import { inActivity } from '#test/activities/activity-context.ts';
import {
  accountOf,
  batchOf,
  billOf,
  type Engine,
  judge,
  oneStep,
  startEngine,
} from '#test/activities/engine.ts';

let engine: Engine;
afterEach(() => engine.close());

const minute = 60_000;

/** A job of ten one-call records that a faulty provider answered; answers the moment after its end. */
async function faultyJob(faults: KnobsPatch['faults'], options = {}) {
  engine = await startEngine({ seed: 7, ...(faults === undefined ? {} : { faults }) });
  const jobId = await engine.addJob({ document: oneStep, ...options });
  const { generate, activities } = await engine.worker();
  // Where nothing is answered the batch hands itself back.
  await generate(batchOf(jobId)).catch(() => undefined);
  await inActivity(() => activities.settleAccount({ jobId }));
  return { jobId, endMs: Date.now() };
}

/** A worker that can no longer close its hold, nor make any answer but the first three durable. */
function cutOff(ports: ActivityPorts, late: Map<string, () => Promise<void>>): ActivityPorts {
  const { ledger, journal } = ports.store;
  let durable = 0;
  return {
    ...ports,
    store: {
      ...ports.store,
      ledger: {
        ...ledger,
        execute: (command) =>
          command.kind === 'close' ? Promise.reject(new Error('cut off')) : ledger.execute(command),
      },
      journal: {
        ...journal,
        append: async (attempt, entries) => {
          if (durable < 3) {
            durable += 1;
            return journal.append(attempt, entries);
          }
          for (const entry of entries) late.set(entry.call, () => journal.append(attempt, [entry]));
          throw new Error('cut off');
        },
      },
    },
  };
}

interface Given {
  readonly lines?: readonly string[];
  readonly bytes?: Uint8Array;
  /** Minutes after the job's end until which the log is complete; null where nobody says so. */
  readonly complete?: number | null;
}

async function logLines(): Promise<string[]> {
  const text = await readFile(join(engine.home, 'invocations.jsonl'), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}

async function reconcile(jobId: string, endMs: number, given: Given = {}) {
  const { complete = 21 } = given;
  const text = `${(given.lines ?? (await logLines())).join('\n')}\n`;
  const bytes = given.bytes ?? Buffer.from(text);
  const source = (async function* () {
    // In pieces that cut lines and characters.
    for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
  })();
  const job = await engine.store.jobs.get(jobId);
  if (job === null) throw new Error('the job is gone');
  const ports = { store: engine.store, clock: () => new Date(endMs + 60 * minute) };
  return reconcileJob(ports, job, {
    lines: createInvocationLog({ place: null }).read(source),
    completeUntil: complete === null ? null : new Date(endMs + complete * minute).toISOString(),
    mayBeEmpty: false,
  });
}

function callsOf(line: string): { hold: string; call: string } {
  const { requestMetadata } = JSON.parse(line) as { requestMetadata: Record<string, string> };
  return { hold: requestMetadata['pp_hold'] ?? '', call: requestMetadata['pp_call'] ?? '' };
}

/** Log lines of calls whose answers are not in the journal. */
async function lostLines(jobId: string): Promise<string[]> {
  const attempts = await engine.store.journal.read(jobId, batchKey(0));
  const known = new Set(
    attempts.flatMap(({ ordinal, entries }) =>
      entries.map(
        (entry) => `${jobId}/${batchKey(0)}/${ordinal}/${entry === 'corrupt' ? '' : entry.call}`,
      ),
    ),
  );
  return (await logLines()).filter((line) => {
    const { hold, call } = callsOf(line);
    return !known.has(`${hold}/${call}`);
  });
}

describe('reconcileJob', () => {
  it.each([
    { name: 'billed', faults: { resetAfterBilling: 0.4 } },
    { name: 'not billed', faults: { resetBeforeBilling: 0.4 } },
    { name: 'billed or not', faults: { resetBeforeBilling: 0.3, truncatedBody: 0.3 } },
  ])(
    'spends exactly the bill and leaves nothing unknown, when lost calls were $name',
    async (row) => {
      const { jobId, endMs } = await faultyJob(row.faults);
      const before = await accountOf(engine, jobId);
      expect(before.unknown).toBeGreaterThan(0n);
      const result = await reconcile(jobId, endMs);
      expect(result).toMatchObject({ unknown: '0.00', problems: [], account_status: 'active' });
      const { account, bill } = await judge(engine, jobId);
      expect(account).toMatchObject({ spent: bill.cost, unknown: 0n, held: 0n });
      expect(account.available).toBe(account.limit - bill.cost);
      const events = await engine.store.events.read(jobId, 0, 1_000);
      expect(events.filter(({ type }) => type === 'reconciled')).toHaveLength(1);
    },
  );

  it.each([
    { complete: 21, kept: false },
    { complete: 19, kept: true },
    { complete: null, kept: true },
  ])(
    'moves what the log shows, and keeps the rest is $kept, when it is complete until $complete minutes past the end',
    async (row) => {
      const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.3, resetBeforeBilling: 0.3 });
      const result = await reconcile(jobId, endMs, { complete: row.complete });
      const { account, bill } = await judge(engine, jobId);
      expect(account.spent).toBe(bill.cost);
      expect(account.unknown > 0n).toBe(row.kept);
      expect(result.released === '0.00').toBe(row.kept);
      expect(result.problems.map(({ kind }) => kind)).toEqual(row.kept ? ['log-not-complete'] : []);
    },
  );

  it('changes nothing, when it is repeated', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.4 });
    await reconcile(jobId, endMs, { complete: null });
    const once = await accountOf(engine, jobId);
    const again = await reconcile(jobId, endMs, { complete: null });
    expect(again).toMatchObject({ recovered: '0.00', billed: '0.00', released: '0.00' });
    expect(await accountOf(engine, jobId)).toEqual(once);
    const events = await engine.store.events.read(jobId, 0, 1_000);
    expect(events.filter(({ type }) => type === 'reconciled')).toHaveLength(1);
  });

  it('counts every call once, when several run at once with parts of the log', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.5 });
    const lines = await logLines();
    const parts = [0, 1, 2, 3].map((part) =>
      lines.filter((_, index) => index % 4 === part || index % 3 === 0),
    );
    await Promise.all(
      parts.map((part) => reconcile(jobId, endMs, { lines: part, complete: null })),
    );
    const { account, bill } = await judge(engine, jobId);
    expect(account.spent).toBe(bill.cost);
    await reconcile(jobId, endMs);
    expect(await accountOf(engine, jobId)).toMatchObject({ spent: bill.cost, unknown: 0n });
  });

  it('remembers what an earlier part of the log showed, when a later part lacks it', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.5 });
    const lost = await lostLines(jobId);
    expect(lost.length).toBeGreaterThan(1);
    for (const line of lost) await reconcile(jobId, endMs, { lines: [line], complete: null });
    const { account, bill } = await judge(engine, jobId);
    expect(account.spent).toBe(bill.cost);
  });

  it('is not misled by repeated lines, other jobs, other schemas and export prefixes, in gzip', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.5 });
    const lines = await logLines();
    const foreign = lines.map((line) => line.replaceAll(jobId, `${jobId}9`));
    const other = JSON.stringify({
      schemaType: 'Unheard',
      schemaVersion: '9',
      requestMetadata: null,
    });
    const exported = lines.map((line) => `2026-01-02T03:04:05.678Z ${line}`);
    const events = lines.map((message) => JSON.stringify({ timestamp: 1, message, eventId: 'e' }));
    const all = [...lines, ...foreign, other, '', ...exported, ...events];
    const half = Math.floor(all.length / 2);
    const bytes = Buffer.concat([
      gzipSync(`${all.slice(0, half).join('\n')}\n`),
      gzipSync(`${all.slice(half).join('\r\n')}\r\n`),
    ]);
    const result = await reconcile(jobId, endMs, { bytes });
    expect(result).toMatchObject({ unknown: '0.00', problems: [], log: { broken: 0 } });
    const { account, bill } = await judge(engine, jobId);
    expect(account.spent).toBe(bill.cost);
  });

  it('bills what it can read and releases nothing, when a line is broken', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.5, resetBeforeBilling: 0.2 });
    const lines = await logLines();
    const cut = lines.map((line, index) => (index === 0 ? line.slice(0, 100) : line));
    const result = await reconcile(jobId, endMs, { lines: [...cut, `"${'x'.repeat(5_000_000)}"`] });
    expect(result).toMatchObject({ released: '0.00', log: { broken: 2 } });
    expect(result.problems[0]).toMatchObject({ kind: 'log-has-broken-lines' });
    expect(result.problems[0]?.detail).toContain('line 1: the line is not a JSON object');
    await judge(engine, jobId);
  });

  it('releases nothing, when the log lacks calls whose answers are journaled', async () => {
    const { jobId, endMs } = await faultyJob({ resetBeforeBilling: 0.4 });
    const lines = await logLines();
    const result = await reconcile(jobId, endMs, { lines: lines.slice(1) });
    expect(result).toMatchObject({ billed: '0.00', released: '0.00' });
    expect(result.problems.map(({ kind }) => kind)).toEqual(['log-lacks-answers']);
  });

  it('releases nothing, when the log is empty, whatever is said of it', async () => {
    const { jobId, endMs } = await faultyJob({ resetBeforeBilling: 1 });
    const result = await reconcile(jobId, endMs, { lines: [] });
    expect(result.released).toBe('0.00');
    expect(result.problems.map(({ kind }) => kind)).toContain('log-empty');
  });

  it('changes nothing and says so, when the compression is damaged', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.5 });
    const before = await accountOf(engine, jobId);
    const whole = gzipSync((await logLines()).join('\n'));
    const bytes = whole.subarray(0, whole.length - 20);
    await expect(reconcile(jobId, endMs, { bytes })).rejects.toMatchObject({
      code: 'log_unreadable',
    });
    expect(await accountOf(engine, jobId)).toEqual(before);
  });

  it('never releases by absence, when requests of the job were not signed', async () => {
    engine = await startEngine({ seed: 7, faults: { resetBeforeBilling: 0.4 } });
    const jobId = await engine.addJob({ document: oneStep });
    const { generate } = await engine.worker({
      wrap: (ports) => ({ ...ports, model: { ...ports.model, isSigned: false } }),
    });
    await generate(batchOf(jobId));
    const result = await reconcile(jobId, Date.now());
    expect(result.released).toBe('0.00');
    expect(result.problems.map(({ kind }) => kind)).toEqual(['not-signed']);
  });

  it('freezes the account and reports it, when more was billed than calls could cost', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.4 });
    const [line = ''] = await lostLines(jobId);
    const dear = line.replace(/"inputTokenCount":\d+/, '"inputTokenCount":9000000');
    const lines = [...(await logLines()).filter((its) => its !== line), dear];
    const result = await reconcile(jobId, endMs, { lines });
    expect(result.account_status).toBe('frozen');
    expect(result.problems.map(({ kind }) => kind)).toEqual(['breach']);
    const types = (await engine.store.events.read(jobId, 0, 1_000)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['breach', 'reconciled']));
  });

  it('keeps unknown what has no price or no counts, and bills nothing for a failed call', async () => {
    const { jobId, endMs } = await faultyJob({ resetAfterBilling: 0.5 });
    const [first = '', second = '', third = ''] = await lostLines(jobId);
    const odd = [
      first.replace('amazon.nova-lite-v1:0', 'nobody.knows-v1:0'),
      second.replace(/"outputTokenCount":\d+/, '"outputTokenCount":null'),
      third
        .replace(/"outputTokenCount":\d+/, '"outputTokenCount":null')
        .replace('{', '{"errorCode":"Throttling",'),
    ];
    const rest = (await logLines()).filter((line) => ![first, second, third].includes(line));
    const result = await reconcile(jobId, endMs, { lines: [...rest, ...odd] });
    expect(result).toMatchObject({ released: '0.00' });
    expect(result.problems.map(({ kind }) => kind)).toEqual(['call-unpriced']);
    await judge(engine, jobId);
  });

  it('leaves open holds alone, when the job is running', async () => {
    engine = await startEngine();
    const jobId = await engine.addJob({ document: oneStep });
    const open = { kind: 'open' as const, account: jobId, batch: batchKey(0) };
    const money = { wanted: 1_000n, least: 1n } as never as { wanted: never; least: never };
    await engine.store.ledger.execute({ ...open, ...money, at: new Date().toISOString() });
    await appendFile(join(engine.home, 'invocations.jsonl'), '{"schemaType":"Other"}\n');
    const before = await accountOf(engine, jobId);
    expect(before.held).toBe(1_000n);
    const result = await reconcile(jobId, Date.now());
    expect(result.holds).toEqual({ examined: 0, settled: 0, open: 1 });
    expect(await accountOf(engine, jobId)).toEqual(before);
  });

  it('pays nothing twice, when a zombie journals an answer after the log told of its call', async () => {
    engine = await startEngine({ seed: 7 });
    const jobId = await engine.addJob({ document: oneStep });
    const late = new Map<string, () => Promise<void>>();
    const { generate } = await engine.worker({ wrap: (ports) => cutOff(ports, late) });
    await generate(batchOf(jobId)).catch(() => undefined);
    const hold = (await engine.store.ledger.holdsOfBatch(jobId, batchKey(0)))[0];
    expect(hold).toBeDefined();
    await engine.store.ledger.execute({
      kind: 'abandon',
      hold: hold?.id ?? '',
      at: new Date().toISOString(),
    });
    await reconcile(jobId, Date.now(), { complete: null });
    const bill = await billOf(engine, jobId);
    expect(await accountOf(engine, jobId)).toMatchObject({ spent: bill.cost, held: 0n });
    expect(late.size).toBeGreaterThan(0);
    for (const append of late.values()) await append();
    const { activities } = await engine.worker();
    await inActivity(() => activities.settleAccount({ jobId }));
    expect((await accountOf(engine, jobId)).spent).toBe(bill.cost);
    await reconcile(jobId, Date.now());
    expect(await accountOf(engine, jobId)).toMatchObject({ spent: bill.cost, unknown: 0n });
  });
});

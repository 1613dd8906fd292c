import { describe, expect, it } from 'vitest';
import { createAnswerLog } from '#activities/answer-log.ts';
import type { Journal, JournalEntry } from '#store/contract.ts';
import { hurriedClock } from './hurried-clock.ts';

const attempt = { jobId: 'job', batch: '000000', ordinal: 1 };

function entry(record: number): JournalEntry {
  return {
    call: `c${record}`,
    record,
    step: 'facts',
    try: 0,
    promptSha256: 'a'.repeat(64),
    model: 'amazon.nova-lite-v1:0',
    text: 'text',
    stopReason: 'end_turn',
    usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
    cost: '1',
    worst: '2',
    at: '2026-11-20T00:00:00.000Z',
    latencyMs: 1,
    requestId: '',
  };
}

/** A journal whose appends end when the test says so. */
function heldJournal() {
  const appends: { records: number[]; end: (error?: Error) => void }[] = [];
  const journal: Journal = {
    append: (_attempt, entries) =>
      new Promise((resolve, reject) => {
        appends.push({
          records: entries.map(({ record }) => record),
          end: (error) => (error === undefined ? resolve() : reject(error)),
        });
      }),
    read: async () => [],
  };
  const log = createAnswerLog({
    journal,
    attempt,
    clock: hurriedClock(),
    abort: new AbortController().signal,
  });
  return { appends, log };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the answer log', () => {
  it('appends one group at a time: what arrives meanwhile goes together, in order', async () => {
    const { appends, log } = heldJournal();
    const durable: number[] = [];
    const kept = [0, 1, 2, 3].map((record) => log.keep(entry(record), () => durable.push(record)));
    await turn();
    expect(appends.map(({ records }) => records)).toEqual([[0]]);
    expect(durable).toEqual([]);
    appends[0]?.end();
    await turn();
    expect(durable).toEqual([0]);
    expect(appends.map(({ records }) => records)).toEqual([[0], [1, 2, 3]]);
    appends[1]?.end();
    expect(await Promise.all(kept)).toEqual([null, null, null, null]);
    expect(durable).toEqual([0, 1, 2, 3]);
  });

  it('tries the same group again before any later entry, when an append fails', async () => {
    const { appends, log } = heldJournal();
    const durable: number[] = [];
    const kept = [0, 1].map((record) => log.keep(entry(record), () => durable.push(record)));
    appends[0]?.end(new Error('no space'));
    await turn();
    await turn();
    expect(appends.map(({ records }) => records)).toEqual([[0], [0]]);
    appends[1]?.end();
    await turn();
    appends[2]?.end();
    expect(await Promise.all(kept)).toEqual([null, null]);
    expect(durable).toEqual([0, 1]);
  });

  it('appends nothing more, when it gave up once: what is behind could be counted for what is lost', async () => {
    const { appends, log } = heldJournal();
    const durable: number[] = [];
    const kept = [0, 1].map((record) => log.keep(entry(record), () => durable.push(record)));
    for (let tries = 0; tries < 6; tries += 1) {
      appends[tries]?.end(new Error('no space'));
      await turn();
      await turn();
    }
    const reason = 'the journal cannot be written: Error: no space';
    expect(await Promise.all(kept)).toEqual([reason, reason]);
    expect(await log.keep(entry(2), () => durable.push(2))).toBe(reason);
    expect(appends.map(({ records }) => records)).toEqual(Array(6).fill([0]));
    expect(durable).toEqual([]);
  });
});

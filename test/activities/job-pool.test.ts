import { describe, expect, it } from 'vitest';
import { createJobPools } from '#activities/job-pool.ts';

const never = new AbortController().signal;

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => void (settled = true);
  promise.then(note, note);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  return settled;
}

describe('a job pool', () => {
  it('lets as many calls in as the batches of the job bring', async () => {
    const pools = createJobPools();
    const { pool } = pools.join('job', 2, 3);
    await pool.enter('begin', never);
    const leave = await pool.enter('begin', never);
    const third = pool.enter('begin', never);
    expect(await isSettled(third)).toBe(false);
    leave();
    expect(await isSettled(third)).toBe(true);
  });

  it('lends one batch what another does not use, and never to another job', async () => {
    const pools = createJobPools();
    const { pool } = pools.join('job', 1, 3);
    pools.join('job', 1, 3);
    pools.join('other', 5, 3);
    await pool.enter('begin', never);
    await pool.enter('begin', never);
    expect(await isSettled(pool.enter('begin', never))).toBe(false);
  });

  it('keeps a batch from leaving, while more calls are in flight than remain allowed', async () => {
    const pools = createJobPools();
    const { pool } = pools.join('job', 1, 3);
    const second = pools.join('job', 1, 3);
    const leave = await pool.enter('begin', never);
    await pool.enter('begin', never);
    const left = second.leave();
    expect(await isSettled(left)).toBe(false);
    leave();
    expect(await isSettled(left)).toBe(true);
  });

  it('lends the allotment of a batch that ended to the others, when no batch waits behind them', async () => {
    const pools = createJobPools();
    // The last batch launched is not always the last to arrive.
    const { pool } = pools.join('job', 1, 0);
    const ended = pools.join('job', 1, 1);
    expect(await ended.lendOrLeave()).toBe(true);
    await pool.enter('begin', never);
    expect(await isSettled(pool.enter('begin', never))).toBe(true);
    expect(await isSettled(pool.enter('begin', never))).toBe(false);
  });

  it.each([
    { when: 'a batch waits to be launched', waiting: 1, others: 1 },
    { when: 'no other batch is here', waiting: 0, others: 0 },
  ])('takes the allotment of a batch that ended away, when $when', async ({ waiting, others }) => {
    const pools = createJobPools();
    const ended = pools.join('job', 1, waiting);
    for (let other = 0; other < others; other += 1) pools.join('job', 1, waiting);
    expect(await ended.lendOrLeave()).toBe(false);
    const { pool } = pools.join('job', 1, 0);
    for (let place = 0; place <= others; place += 1) await pool.enter('begin', never);
    expect(await isSettled(pool.enter('begin', never))).toBe(false);
  });

  it('gives a place back once, however often it is left', async () => {
    const pools = createJobPools();
    const { pool } = pools.join('job', 1, 3);
    const leave = await pool.enter('begin', never);
    leave();
    leave();
    await pool.enter('begin', never);
    expect(await isSettled(pool.enter('begin', never))).toBe(false);
  });

  it('lets a call that continues go before calls that begin, when both wait', async () => {
    const { pool } = createJobPools().join('job', 1, 3);
    const leave = await pool.enter('begin', never);
    const begins = pool.enter('begin', never);
    const continues = pool.enter('continue', never);
    leave();
    expect(await isSettled(continues)).toBe(true);
    expect(await isSettled(begins)).toBe(false);
  });

  it('serves batches in turn, when one has many calls waiting', async () => {
    const pools = createJobPools();
    const many = pools.join('job', 1, 3);
    const few = pools.join('job', 0, 2);
    const leave = await many.pool.enter('begin', never);
    const first = many.pool.enter('begin', never);
    void many.pool.enter('begin', never);
    const other = few.pool.enter('begin', never);
    leave();
    expect(await isSettled(other)).toBe(true);
    expect(await isSettled(first)).toBe(false);
  });

  it('forgets a waiting call, when it is aborted', async () => {
    const pools = createJobPools();
    const { pool } = pools.join('job', 1, 3);
    const leave = await pool.enter('begin', never);
    const controller = new AbortController();
    const waiting = pool.enter('begin', controller.signal);
    controller.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    leave();
    expect(await isSettled(pool.enter('begin', never))).toBe(true);
  });

  it('refuses at once, when the signal was aborted before', async () => {
    const { pool } = createJobPools().join('job', 1, 3);
    const aborted = AbortSignal.abort(new Error('stopped'));
    await expect(pool.enter('begin', aborted)).rejects.toThrow('stopped');
    expect(await isSettled(pool.enter('begin', never))).toBe(true);
  });
});

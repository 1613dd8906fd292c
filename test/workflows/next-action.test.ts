import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBatches } from '#domain/plan.ts';
import {
  batchFinished,
  batchOutOfMoney,
  batchUndone,
  type JobState,
  landed,
  launched,
  moneyRaised,
  nextAction,
} from '#workflows/next-action.ts';

function stateOf(records: number, change: Partial<JobState> = {}): JobState {
  const plan = {
    ...planBatches(records),
    window: 4,
    concurrency: 10,
    template: 't',
    models: ['m'],
  };
  return {
    plan,
    next: 0,
    redo: [],
    finishedBatches: 0,
    inFlight: 0,
    callsAllotted: 0,
    window: 4,
    moneyWindow: 4,
    isPaused: false,
    isExhausted: false,
    fatal: null,
    startedInRun: 0,
    isHistoryLong: false,
    ...change,
  };
}

describe('nextAction', () => {
  it.each([
    { when: 'nothing was started', change: {}, expected: 'launch' },
    {
      when: 'the window is full',
      change: { inFlight: 4, callsAllotted: 10, next: 4 },
      expected: 'wait',
    },
    { when: 'the money window is full', change: { inFlight: 1, moneyWindow: 1 }, expected: 'wait' },
    {
      when: 'all calls are allotted',
      change: { inFlight: 2, callsAllotted: 10 },
      expected: 'wait',
    },
    { when: 'the last batches are in flight', change: { next: 10, inFlight: 2 }, expected: 'wait' },
    { when: 'a batch came back undone', change: { next: 10, redo: [3] }, expected: 'launch' },
    {
      when: 'every batch is finished',
      change: { next: 10, finishedBatches: 10 },
      expected: 'finish',
    },
    {
      when: 'paused with batches in flight',
      change: { isPaused: true, inFlight: 1 },
      expected: 'call-back',
    },
    { when: 'paused and idle', change: { isPaused: true }, expected: 'rest' },
    { when: 'out of money and idle', change: { isExhausted: true }, expected: 'rest' },
    {
      when: 'out of money with a batch in flight',
      change: { isExhausted: true, inFlight: 1 },
      expected: 'wait',
    },
    { when: 'the run is full', change: { startedInRun: 500, inFlight: 1 }, expected: 'wait' },
    {
      when: 'the run is full and drained',
      change: { startedInRun: 500 },
      expected: 'continue-as-new',
    },
    { when: 'the run is one short of full', change: { startedInRun: 499 }, expected: 'launch' },
    {
      when: 'the history is long and drained',
      change: { isHistoryLong: true },
      expected: 'continue-as-new',
    },
    {
      when: 'it cannot go on, with a batch in flight',
      change: { fatal: 'x', inFlight: 1 },
      expected: 'call-back',
    },
    { when: 'it cannot go on and is idle', change: { fatal: 'x' }, expected: 'fail' },
    {
      when: 'the run is full and every batch is finished',
      change: { next: 10, finishedBatches: 10, startedInRun: 500 },
      expected: 'finish',
    },
  ])('is $expected, when $when', ({ change, expected }) => {
    expect(nextAction(stateOf(100, change)).kind).toBe(expected);
  });

  it('launches a batch that came back before new ones', () => {
    expect(nextAction(stateOf(100, { next: 5, redo: [2] }))).toMatchObject({ batch: 2 });
  });
});

describe('a batch without money', () => {
  it('means that the job is out of money, when it ran alone', () => {
    const state = stateOf(100);
    batchOutOfMoney(state, 0, true);
    expect(state).toMatchObject({ isExhausted: true, redo: [0] });
  });

  it('narrows the window and tries again, when others ran beside it', () => {
    const state = stateOf(100, { inFlight: 3 });
    batchOutOfMoney(state, 0, false);
    expect(state).toMatchObject({ isExhausted: false, moneyWindow: 2, redo: [0] });
  });

  it('is forgotten, when the limit is raised', () => {
    const state = stateOf(100, { isExhausted: true, moneyWindow: 1, redo: [0] });
    moneyRaised(state);
    expect(nextAction(state)).toMatchObject({ kind: 'launch', batch: 0, concurrency: 3 });
  });
});

/** Plays a job to its end with batches that land in any order and fail in any way, by a random script. */
function play(records: number, script: readonly number[]) {
  const state = stateOf(records);
  const inFlight: { batch: number; concurrency: number }[] = [];
  const finished: number[] = [];
  let at = 0;
  for (let steps = 0; steps < 10_000; steps += 1) {
    const action = nextAction(state);
    if (action.kind === 'finish') return { state, finished };
    if (action.kind === 'continue-as-new') state.startedInRun = 0;
    else if (action.kind === 'rest') moneyRaised(state);
    else if (action.kind === 'launch') {
      inFlight.push(action);
      launched(state, action.concurrency);
      expect(state.callsAllotted).toBeLessThanOrEqual(state.plan.concurrency);
      expect(state.inFlight).toBeLessThanOrEqual(state.window);
    } else {
      const choice = script[at % script.length] ?? 0;
      at += 1;
      const [batch] = inFlight.splice(choice % inFlight.length, 1);
      if (batch === undefined)
        throw new Error(`nothing in flight, and the action is ${action.kind}`);
      const verdict = at < 200 ? choice % 4 : 0;
      if (verdict === 1) batchOutOfMoney(state, batch.batch, choice % 8 === 1);
      else if (verdict === 2) batchUndone(state, batch.batch);
      else {
        batchFinished(state);
        finished.push(batch.batch);
      }
      landed(state, batch.concurrency);
    }
  }
  throw new Error('the job did not end');
}

describe('a job', () => {
  it('finishes every batch exactly once, whatever order and way batches come back in', () => {
    const job = fc.record({
      records: fc.integer({ min: 1, max: 8_000 }),
      script: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 50 }),
    });
    fc.assert(
      fc.property(job, ({ records, script }) => {
        const { state, finished } = play(records, script);
        const all = Array.from({ length: state.plan.batches }, (_, batch) => batch);
        expect(finished.toSorted((a, b) => a - b)).toEqual(all);
        expect(state).toMatchObject({ inFlight: 0, callsAllotted: 0 });
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { createKnobs } from '#simulator/knobs.ts';
import { startBench } from './fixture.ts';

function board(start = {}) {
  const clock = { ms: Date.UTC(2026, 10, 20) };
  return { clock, knobs: createKnobs(start, () => clock.ms) };
}

describe('put', () => {
  it.each([
    ['an unknown knob', { latencyMs: 5 }, 'latencyMs'],
    ['an unknown fault', { faults: { trottle: 1 } }, 'trottle'],
    ['a probability above 1', { faults: { throttle: 1.01 } }, 'faults.throttle'],
    ['a probability below 0', { faults: { throttle: -0.01 } }, 'faults.throttle'],
    ['probabilities that add up to 1.1', { faults: { throttle: 0.6, hang: 0.5 } }, 'more than 1'],
    ['an unknown field of latency', { latency: { ms: 1, max: 2 } }, 'latency'],
    ['two ends', { forMs: 5, until: '2026-11-20T00:00:00Z' }, 'not both'],
    ['a list', [], 'expected object'],
  ])('is refused and changes nothing, given %s', (_, body, reason) => {
    const { knobs } = board();
    const before = knobs.current();
    expect(knobs.put(body)).toEqual({ kind: 'invalid', reason: expect.stringContaining(reason) });
    expect(knobs.current()).toBe(before);
  });

  it('accepts probabilities that add up to exactly 1', () => {
    const faults = { throttle: 0.1, hang: 0.2, serverError: 0.7 };
    expect(board().knobs.put({ faults }).kind).toBe('set');
  });

  it('replaces what an earlier put set, over the start-up values', () => {
    const { knobs } = board({ latency: { ms: 200 } });
    knobs.put({ faults: { hang: 1 }, down: 'refuse' });
    knobs.put({ faults: { throttle: 0.5 } });
    expect(knobs.current()).toMatchObject({
      latency: { ms: 200, jitterMs: 0 },
      faults: { throttle: 0.5 },
      down: 'no',
    });
    expect(knobs.current().faults).not.toHaveProperty('hang');
  });

  it.each([
    ['forMs', { forMs: 60_000 }],
    ['until', { until: '2026-11-20T00:01:00.000Z' }],
  ])('a storm with %s blows over the base and ends on time', (_, duration) => {
    const { clock, knobs } = board();
    knobs.put({ faults: { resetAfterBilling: 0.02 } });
    knobs.put({ faults: { throttle: 0.9 }, ...duration });
    expect(knobs.current().faults).toEqual({ throttle: 0.9, resetAfterBilling: 0.02 });
    expect(knobs.view().storm).toEqual({ until: '2026-11-20T00:01:00.000Z' });
    clock.ms += 59_999;
    expect(knobs.current().faults).toHaveProperty('throttle');
    clock.ms += 1;
    expect(knobs.current().faults).toEqual({ resetAfterBilling: 0.02 });
    expect(knobs.view().storm).toBeNull();
  });

  it('a storm is refused, when it and the base add up to more than 1', () => {
    const { knobs } = board();
    knobs.put({ faults: { resetAfterBilling: 0.2 } });
    expect(knobs.put({ faults: { throttle: 0.9 }, forMs: 1_000 })).toMatchObject({
      kind: 'invalid',
    });
  });

  it('a put without a duration ends a storm', () => {
    const { knobs } = board();
    knobs.put({ down: 'refuse', forMs: 1_000_000 });
    knobs.put({});
    expect(knobs.current().down).toBe('no');
  });
});

describe('the route /knobs', () => {
  it('gives what was put, and a 400 with the reason for what is not a knob', async () => {
    const bench = await startBench({ knobs: { latency: { ms: 3 } } });
    const put = (body: unknown) =>
      fetch(`${bench.url}/knobs`, { method: 'PUT', body: JSON.stringify(body) });
    const set = await put({ faults: { hang: 0.25 } });
    const view = await set.json();
    expect(view).toEqual(await bench.get('/knobs'));
    expect(view).toMatchObject({
      knobs: { latency: { ms: 3 }, faults: { hang: 0.25 } },
      storm: null,
    });
    const refused = await put({ speed: 'fast' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({ message: expect.stringContaining('speed') });
    await bench.close();
  });
});

import { ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultKind } from '#simulator/knobs.ts';
import { faultKinds } from '#simulator/knobs.ts';
import { drawOf } from '#simulator/random.ts';
import { createTokenBuckets } from '#simulator/token-bucket.ts';
import type { Bench } from './fixture.ts';
import { converse, request, startBench, textOf, transports, until } from './fixture.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

async function billed(): Promise<number> {
  return Number(Object(await bench.get('/bill/total')).calls);
}

async function fired(kind: string): Promise<number> {
  return Number(Object(Object(await bench.get('/faults')).fired)[kind] ?? 0);
}

const tested = new Set<FaultKind>();

describe.each(transports)('each fault as the AWS SDK sees it over %s', (transport) => {
  it.each<[FaultKind, string, number]>([
    ['throttle', 'ThrottlingException', 429],
    ['throttleDaily', 'ThrottlingException', 429],
    ['modelNotReady', 'ModelNotReadyException', 429],
    ['serverError', 'InternalServerException', 500],
    ['unavailable', 'ServiceUnavailableException', 503],
    ['overloaded', 'overloaded_error', 529],
    ['modelError', 'ModelErrorException', 424],
    ['modelTimeout', 'ModelTimeoutException', 408],
    ['accessDenied', 'AccessDeniedException', 403],
  ])('%s: is %s with status %d, and not billed', async (kind, name, status) => {
    tested.add(kind);
    const before = { billed: await billed(), fired: await fired(kind) };
    await bench.put({ faults: { [kind]: 1 } });
    const failed = await converse(bench.client(transport)).catch((error) => error);
    expect(failed.name).toBe(name);
    expect(failed.$metadata.httpStatusCode).toBe(status);
    expect(await billed()).toBe(before.billed);
    expect(await fired(kind)).toBe(before.fired + 1);
  });

  it.each<[FaultKind, number]>([
    ['resetBeforeBilling', 0],
    ['resetAfterBilling', 1],
    ['truncatedBody', 1],
    ['malformedBody', 1],
    ['serverErrorBilled', 1],
  ])('%s: the call fails, and %d answers are billed', async (kind, calls) => {
    tested.add(kind);
    const before = { billed: await billed(), fired: await fired(kind) };
    await bench.put({ faults: { [kind]: 1 } });
    await expect(converse(bench.client(transport))).rejects.toBeInstanceOf(Error);
    expect(await billed()).toBe(before.billed + calls);
    expect(await fired(kind)).toBe(before.fired + 1);
  });

  it.each<[FaultKind, number]>([
    ['hang', 0],
    ['hangBilled', 1],
  ])('%s: no answer comes until the client gives up, and %d are billed', async (kind, calls) => {
    tested.add(kind);
    const before = {
      billed: await billed(),
      fired: await fired(kind),
      gone: await fired('clientGone'),
    };
    await bench.put({ faults: { [kind]: 1 } });
    const client = bench.client(transport);
    const sent = client.send(new ConverseCommand(request()), {
      abortSignal: AbortSignal.timeout(200),
    });
    await expect(sent).rejects.toMatchObject({ name: expect.stringMatching(/Abort|Timeout/) });
    await until('the hung call to end', async () => (await fired('clientGone')) > before.gone);
    expect(await billed()).toBe(before.billed + calls);
    expect(await bench.get('/stats')).toMatchObject({ inFlight: 0 });
  });

  it.each<[FaultKind, object, RegExp]>([
    ['emptyAnswer', { stopReason: 'end_turn' }, /^$/],
    ['maxTokens', { stopReason: 'max_tokens', usage: { outputTokens: 400 } }, /Metropolis/],
    ['contentFiltered', { stopReason: 'content_filtered' }, /./],
    ['malformedModelOutput', { stopReason: 'malformed_model_output' }, /./],
    ['contextExceeded', { stopReason: 'model_context_window_exceeded' }, /./],
    ['invalidJson', { stopReason: 'end_turn' }, /\[1, 2,$/],
    // Above what 34 bytes of prompt and 400 tokens allow.
    ['usageAboveBound', { usage: { inputTokens: 10_360, outputTokens: 2_200 } }, /Metropolis/],
  ])('%s: is a billed answer with %o', async (kind, shape, text) => {
    tested.add(kind);
    const before = await billed();
    await bench.put({ faults: { [kind]: 1 } });
    const output = await converse(bench.client(transport));
    expect(output).toMatchObject(shape);
    expect(textOf(output)).toMatch(text);
    expect(await billed()).toBe(before + 1);
  });

  it('down refuse: connections end without an answer; control routes stay open', async () => {
    const client = bench.client(transport);
    await bench.put({});
    await converse(client);
    const before = await billed();
    await bench.put({ down: 'refuse' });
    await expect(converse(client)).rejects.toBeInstanceOf(Error);
    await expect(converse(bench.client(transport))).rejects.toBeInstanceOf(Error);
    expect(await billed()).toBe(before);
    await bench.put({});
    expect((await converse(client)).stopReason).toBe('end_turn');
  });

  it('down unavailable: every call is a 503 with the wait that was asked for', async () => {
    await bench.put({ down: 'unavailable', retryAfterS: 7 });
    const failed = await converse(bench.client(transport)).catch((error) => error);
    expect(failed.name).toBe('ServiceUnavailableException');
    expect(failed.$response?.headers['retry-after']).toBe('7');
  });

  it('converseStream: a throttle is thrown before the stream', async () => {
    await bench.put({ faults: { throttle: 1 } });
    const sent = bench.client(transport).send(new ConverseStreamCommand(request()));
    await expect(sent).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  it('converseStream: a truncated body never gets to its metadata', async () => {
    await bench.put({ faults: { truncatedBody: 1 } });
    const { stream } = await bench.client(transport).send(new ConverseStreamCommand(request()));
    const events: object[] = [];
    // Over HTTP/2 the SDK ends a cut stream as if it were whole; over HTTP/1.1 it throws.
    await (async () => {
      for await (const event of stream ?? []) events.push(event);
    })().catch(() => {});
    expect(events.some((event) => 'metadata' in event)).toBe(false);
  });
});

describe('tokensPerMinute', () => {
  it('a call that does not fit is throttled; unused tokens come back when one settles', async () => {
    const fresh = await startBench();
    // 9 tokens in and 400 out are reserved, some 100 are used: two fit one after the other, not together.
    await fresh.put({ tokensPerMinute: 600, latency: { ms: 100 } });
    const client = fresh.client('http1');
    const together = await Promise.allSettled([converse(client), converse(client)]);
    expect(together.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(together.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { name: 'ThrottlingException' },
    });
    expect((await converse(client)).stopReason).toBe('end_turn');
    expect(await fresh.get('/faults')).toEqual({ fired: { tokensPerMinute: 1 } });
    await fresh.close();
  });

  it('the bucket fills up continuously to one minute of quota', () => {
    const clock = { ms: 0 };
    const buckets = createTokenBuckets(() => clock.ms);
    const fits = (tokens: number) => buckets.reserve('m', tokens, 600) !== null;
    expect([fits(601), fits(600), fits(1)]).toEqual([false, true, false]);
    clock.ms += 1_000;
    expect([fits(11), fits(10), fits(1)]).toEqual([false, true, false]);
    clock.ms += 10 * 60_000;
    expect([fits(601), fits(600)]).toEqual([false, true]);
    expect(buckets.reserve('other', 600, 600)).not.toBeNull();
  });
});

describe('choice of faults', () => {
  async function outcomes(count: number): Promise<string> {
    const client = bench.client('http1');
    const marks: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const sent = converse(client, { requestMetadata: { pp_call: `call-${index}` } });
      marks.push(
        await sent.then(
          () => '.',
          () => 'x',
        ),
      );
    }
    return marks.join('');
  }

  it('all fault kinds are in the tables above', () => {
    expect([...tested].sort()).toEqual([...faultKinds].sort());
  });

  it.each(['request', 'call'] as const)(
    'by %s: the same seed hits the same calls, another seed others',
    async (chooseBy) => {
      await bench.put({ seed: 7, chooseBy, faults: { throttle: 0.4 } });
      const first = await outcomes(40);
      await bench.put({ seed: 7, chooseBy, faults: { throttle: 0.4 } });
      const again = await outcomes(40);
      await bench.put({ seed: 8, chooseBy, faults: { throttle: 0.4 } });
      const other = await outcomes(40);
      expect(first).toMatch(/x/);
      expect(first).toMatch(/\./);
      expect(again).toBe(first);
      expect(other).not.toBe(first);
    },
  );

  it('by prompt: the same prompt always has the same fate', async () => {
    await bench.put({ chooseBy: 'prompt', faults: { throttle: 0.5 } });
    expect(await outcomes(10)).toMatch(/^(\.+|x+)$/);
  });

  it('firstN: only the first requests after the change are hit', async () => {
    await bench.put({ firstN: 3, faults: { throttle: 1 } });
    expect(await outcomes(6)).toBe('xxx...');
  });

  it('draws: are spread evenly, whatever the seed', () => {
    for (const seed of [0, 1, 2, 99, 2 ** 32 - 1]) {
      const draws = Array.from({ length: 20_000 }, (_, event) => drawOf(seed, event));
      const tenths = Array.from(
        { length: 10 },
        (_, tenth) => draws.filter((draw) => Math.floor(draw * 10) === tenth).length,
      );
      expect(Math.min(...tenths)).toBeGreaterThan(1_800);
      expect(Math.max(...tenths)).toBeLessThan(2_200);
    }
  });
});

describe('converse under a mix of faults', () => {
  it('bills exactly what was answered or lost after billing, each once', async () => {
    await bench.put({
      seed: 3,
      faults: { throttle: 0.2, resetBeforeBilling: 0.1, resetAfterBilling: 0.1, emptyAnswer: 0.1 },
    });
    const before = { billed: await billed(), lost: await fired('resetAfterBilling') };
    const client = bench.client('http1');
    const sent = Array.from({ length: 100 }, () => converse(client));
    const settled = await Promise.allSettled(sent);
    const answered = settled.filter(({ status }) => status === 'fulfilled').length;
    const lost = (await fired('resetAfterBilling')) - before.lost;
    expect(lost).toBeGreaterThan(0);
    expect(answered).toBeLessThan(100 - lost);
    expect(await billed()).toBe(before.billed + answered + lost);
  });
});

import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { describe, expect, it } from 'vitest';
import type { Bench } from './fixture.ts';
import { converse, nova, novaPrice, request, startBench, until } from './fixture.ts';

const metadata = (hold: string, call: string) => ({
  requestMetadata: { pp_hold: hold, pp_call: call },
});

async function linesOf(bench: Bench, query = ''): Promise<Record<string, unknown>[]> {
  const text = await (await fetch(`${bench.url}/bill/calls${query}`)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('bill', () => {
  it('charges each answer its tokens at the exact price, and adds up by hold and job', async () => {
    const bench = await startBench();
    const client = bench.client('http1');
    const costs: bigint[] = [];
    for (const hold of ['job_A/000000/1', 'job_A/000000/1', 'job_A/000001/1', 'job_AB/000000/1']) {
      const { usage } = await converse(client, metadata(hold, `c${costs.length}`));
      costs.push(
        BigInt(usage?.inputTokens ?? 0) * novaPrice.input +
          BigInt(usage?.outputTokens ?? 0) * novaPrice.output,
      );
    }
    const [first = 0n, second = 0n, third = 0n, fourth = 0n] = costs;
    expect(await bench.get('/bill')).toMatchObject({
      calls: 4,
      costPusd: String(first + second + third + fourth),
      byHold: { 'job_A/000000/1': { calls: 2, costPusd: String(first + second) } },
    });
    expect(await bench.get('/bill?hold_prefix=job_A/')).toMatchObject({
      calls: 3,
      costPusd: String(first + second + third),
    });
    // job_AB is another job, though its name begins the same.
    expect(await bench.get('/bill/total?job=job_A')).toMatchObject({
      calls: 3,
      costPusd: String(first + second + third),
    });
    expect(await bench.get('/bill/total')).toMatchObject({ calls: 4 });
    expect(await bench.get('/bill/total?job=job_none')).toEqual({
      calls: 0,
      costPusd: '0',
      costUsd: '0.00',
    });
    expect(await linesOf(bench, '?hold_prefix=job_A/000000')).toMatchObject([
      { seq: 1, hold: 'job_A/000000/1', call: 'c0', costPusd: String(first), outcome: 'delivered' },
      { seq: 2, model: nova, call: 'c1' },
    ]);
    await bench.close();
  });

  it('costUsd: is the exact decimal', async () => {
    const bench = await startBench();
    await converse(bench.client('http1'));
    const { costPusd, costUsd } = Object(await bench.get('/bill/total'));
    const [whole = '', fraction = ''] = String(costUsd).split('.');
    expect(BigInt(whole + fraction.padEnd(12, '0'))).toBe(BigInt(costPusd));
    await bench.close();
  });

  it('a call whose client left before the answer is billed all the same, as lost', async () => {
    const bench = await startBench({ knobs: { latency: { ms: 300 } } });
    const abort = new AbortController();
    const sent = bench
      .client('http1')
      .send(new ConverseCommand(request(metadata('job_A/000000/1', 'c0'))), {
        abortSignal: abort.signal,
      });
    await until('the call to arrive', async () => Object(await bench.get('/stats')).inFlight === 1);
    abort.abort();
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
    expect(await bench.get('/bill/total')).toMatchObject({ calls: 0 });
    await until('the bill', async () => Object(await bench.get('/bill/total')).calls === 1);
    expect(await linesOf(bench)).toMatchObject([{ call: 'c0', outcome: 'lost' }]);
    await bench.close();
  });

  it('a lost answer is in the bill as lost, with its request id', async () => {
    const bench = await startBench({ knobs: { faults: { malformedBody: 1 } } });
    const failed = await converse(bench.client('http1')).catch((error) => error);
    const requestId = failed.$response?.headers['x-amzn-requestid'];
    expect(await linesOf(bench)).toMatchObject([{ outcome: 'lost', requestId }]);
    await bench.close();
  });

  it('a restart continues totals and numbers, and cuts off a torn last line', async () => {
    const first = await startBench();
    await converse(first.client('http1'), metadata('job_A/000000/1', 'c0'));
    await converse(first.client('http1'), metadata('job_B/000000/1', 'c0'));
    const before = Object(await first.get('/bill'));
    await first.stop();
    const whole = readFileSync(first.billFile, 'utf8');
    appendFileSync(first.billFile, '{"seq":3,"at":"2026-');

    const second = await startBench({ billFile: first.billFile });
    expect(await second.get('/bill')).toEqual(before);
    expect(readFileSync(first.billFile, 'utf8')).toBe(whole);
    await converse(second.client('http1'), metadata('job_A/000000/2', 'c0'));
    expect(await linesOf(second)).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
    expect(await second.get('/bill/total?job=job_A')).toMatchObject({ calls: 2 });
    await second.close();
    rmSync(first.folder, { recursive: true });
  });

  it('a damaged line in the middle is refused at the start, with the file and the line', async () => {
    const bench = await startBench();
    await bench.stop();
    const billFile = join(bench.folder, 'damaged.jsonl');
    writeFileSync(billFile, '{"seq":1,"hold":null,"costPusd":"1"}\n{"seq":2,"hol\n');
    await expect(startBench({ billFile })).rejects.toThrow(/damaged\.jsonl.*"seq":2,"hol/);
    rmSync(bench.folder, { recursive: true });
  });

  it('100,000 lines are read back, and totals stay exact', async () => {
    const empty = await startBench();
    await empty.stop();
    const line = (index: number) =>
      JSON.stringify({ seq: index + 1, hold: `job_${index % 7}/000000/1`, costPusd: '123456789' });
    const lines = Array.from({ length: 100_000 }, (_, index) => `${line(index)}\n`);
    writeFileSync(empty.billFile, lines.join(''));
    const bench = await startBench({ billFile: empty.billFile });
    expect(await bench.get('/bill/total')).toEqual({
      calls: 100_000,
      costPusd: '12345678900000',
      costUsd: '12.3456789',
    });
    expect(await linesOf(bench, '?hold_prefix=job_3/')).toHaveLength(14_286);
    await bench.stop();
    rmSync(empty.folder, { recursive: true });
  });
});

describe('invocation log', () => {
  it('has one record for each billed call, with its metadata and tokens', async () => {
    const plain = await startBench();
    const invocationLogFile = join(plain.folder, 'invocations.jsonl');
    const bench = await startBench({ billFile: plain.billFile, invocationLogFile });
    await bench.put({ firstN: 1, faults: { throttle: 1 } });
    const client = bench.client('http1');
    await expect(converse(client)).rejects.toMatchObject({ name: 'ThrottlingException' });
    const { usage, $metadata } = await converse(client, metadata('job_A/000000/1', 'c1'));
    await bench.stop();
    const records = readFileSync(invocationLogFile, 'utf8').trim().split('\n');
    expect(records).toHaveLength(1);
    expect(JSON.parse(records[0] ?? '')).toMatchObject({
      schemaType: 'ModelInvocationLog',
      operation: 'Converse',
      modelId: nova,
      requestId: $metadata.requestId,
      requestMetadata: { pp_hold: 'job_A/000000/1', pp_call: 'c1' },
      input: { inputTokenCount: usage?.inputTokens },
      output: { outputTokenCount: usage?.outputTokens },
    });
    await plain.close();
  });
});

describe('stats', () => {
  it.each([1, 8])('inFlightMax: is %d, when so many calls are made at a time', async (width) => {
    const bench = await startBench({ knobs: { latency: { ms: 5 } } });
    const client = bench.client('http1');
    const lane = async () => {
      for (let index = 0; index < 10; index += 1) await converse(client);
    };
    await Promise.all(Array.from({ length: width }, lane));
    expect(await bench.get('/stats')).toEqual({
      requests: 10 * width,
      inFlight: 0,
      inFlightMax: width,
      byModel: { [nova]: { requests: 10 * width, inFlight: 0, inFlightMax: width } },
      byStatus: { 200: 10 * width },
    });
    await bench.close();
  });
});

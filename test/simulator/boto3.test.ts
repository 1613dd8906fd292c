import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KnobsPatch } from '#simulator/knobs.ts';
import { pythonWithBoto3 } from '#test/boto3.ts';
import type { Bench } from './fixture.ts';
import { converse, nova, request, startBench, textOf } from './fixture.ts';

const script = join(import.meta.dirname, 'boto3_client.py');
const run = promisify(execFile);
let bench: Bench;
let python: string;
beforeAll(async () => {
  python = await pythonWithBoto3();
  bench = await startBench();
}, 10 * 60_000);
afterAll(() => bench?.close());

async function boto3(what: 'answers' | 'failure'): Promise<Record<string, unknown>> {
  const { stdout } = await run(python, [script, bench.url, what], { timeout: 50_000 });
  return JSON.parse(stdout);
}

describe('boto3', () => {
  it('gets what the SDK for JavaScript gets, and is billed for it', async () => {
    const got = await boto3('answers');
    const messages = request({
      messages: [{ role: 'user', content: [{ text: 'Write about "Metropolis".' }] }],
      inferenceConfig: { maxTokens: 300 },
    });
    expect(await bench.get('/bill/total?job=job_A')).toMatchObject({ calls: 1 });
    expect(await bench.get('/bill/total')).toMatchObject({ calls: 3 });
    const same = await converse(bench.client('http1'), messages);
    expect(got).toMatchObject({
      text: textOf(same),
      usage: { ...same.usage },
      stopReason: 'end_turn',
      streamed: textOf(same),
      streamedUsage: { ...same.usage },
      invoked: 'end_turn',
      counted: same.usage?.inputTokens,
      models: expect.arrayContaining([nova]),
    });
  });

  it.each<[string, KnobsPatch, Record<string, unknown>]>([
    [
      'throttle',
      { faults: { throttle: 1 } },
      {
        code: 'ThrottlingException',
        status: 429,
        message: 'Too many tokens, please wait before trying again.',
      },
    ],
    [
      'an old signature',
      { clockSkewMs: 600_000 },
      { code: 'InvalidSignatureException', status: 403 },
    ],
    [
      'a reset after billing',
      { faults: { resetAfterBilling: 1 } },
      { code: expect.stringMatching(/Connection/) },
    ],
    // botocore does not compare a body with its announced length: it hands over an answer without fields.
    ['a truncated body', { faults: { truncatedBody: 1 } }, { code: null, fields: [] }],
    ['down', { down: 'refuse' }, { code: expect.stringMatching(/Connection/) }],
  ])('sees %s in its own way', async (_, knobs, failure) => {
    await bench.put(knobs);
    expect(await boto3('failure')).toMatchObject(failure);
  });
});

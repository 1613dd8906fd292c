import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { CallOutcome, Model } from '#bedrock/contract.ts';
import { createBedrockModel } from '#bedrock/converse.ts';
import { judgeAnswer } from '#domain/answer.ts';
import { exactCost, inputTokensBound, priceOf, worstCaseCost } from '#domain/pricing.ts';
import { startSimulator } from '#simulator/server.ts';

const prompt = 'Write two sentences about a lighthouse.';
const maxTokens = 60;
const priced = priceOf('amazon.nova-lite-v1:0');
if (priced === null) throw new Error('the model of this test has no price');
const price = priced;
const worst = worstCaseCost(price, {
  inputTokens: inputTokensBound(null, prompt),
  outputTokens: maxTokens,
});

const billSchema = z.object({ costPusd: z.string() });

let folder = '';
let simulator: Awaited<ReturnType<typeof startSimulator>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plot-faults-'));
  simulator = await startSimulator({ billFile: join(folder, 'bill.jsonl') });
});

afterAll(async () => {
  await simulator.close();
  await rm(folder, { recursive: true });
});

function createModel(callTimeoutMs = 10_000): Model {
  return createBedrockModel({
    region: 'us-east-1',
    endpoint: simulator.url,
    concurrencyMax: 2,
    callTimeoutMs,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  });
}

async function callOnce(model: Model, job: string): Promise<CallOutcome> {
  const request = {
    model: price.model,
    system: null,
    prompt,
    maxTokens,
    temperature: null,
    topP: null,
    stop: [],
    hold: `${job}/0/1`,
    call: 'c1',
  };
  return model.call(request, { signal: new AbortController().signal, beforeSend: async () => {} });
}

async function setKnobs(knobs: object): Promise<void> {
  const answer = await fetch(`${simulator.url}/knobs`, {
    method: 'PUT',
    body: JSON.stringify(knobs),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

async function billed(job: string): Promise<bigint> {
  const answer = await fetch(`${simulator.url}/bill/total?job=${job}`);
  return BigInt(billSchema.parse(await answer.json()).costPusd);
}

/** What our books must count for this outcome: at least what was billed, whatever happened. */
function counted(outcome: CallOutcome): bigint {
  switch (outcome.kind) {
    case 'answered':
      return exactCost(price, outcome.answer.usage);
    case 'not-billed':
      return 0n;
    case 'unknown':
      return worst;
  }
}

const verdictOf = (outcome: CallOutcome) =>
  outcome.kind === 'answered' ? judgeAnswer(outcome.answer)?.kind : outcome.failure.kind;

let jobs = 0;

describe('calls to a misbehaving service', () => {
  it.each([
    { knobs: {}, is: 'answered', kind: undefined },
    { knobs: { down: 'unavailable' }, is: 'not-billed', kind: 'service-unavailable' },
    { knobs: { down: 'refuse' }, is: 'unknown', kind: 'no-answer' },
    { knobs: { faults: { throttle: 1 } }, is: 'not-billed', kind: 'throttled' },
    { knobs: { faults: { throttleDaily: 1 } }, is: 'not-billed', kind: 'quota-exceeded' },
    { knobs: { faults: { modelNotReady: 1 } }, is: 'not-billed', kind: 'model-not-ready' },
    { knobs: { faults: { serverError: 1 } }, is: 'unknown', kind: 'provider-error' },
    { knobs: { faults: { unavailable: 1 } }, is: 'not-billed', kind: 'service-unavailable' },
    { knobs: { faults: { overloaded: 1 } }, is: 'unknown', kind: 'provider-error' },
    { knobs: { faults: { modelError: 1 } }, is: 'unknown', kind: 'provider-error' },
    { knobs: { faults: { modelTimeout: 1 } }, is: 'unknown', kind: 'provider-error' },
    { knobs: { faults: { accessDenied: 1 } }, is: 'not-billed', kind: 'access-denied' },
    { knobs: { faults: { hang: 1 } }, is: 'unknown', kind: 'no-answer' },
    { knobs: { faults: { hangBilled: 1 } }, is: 'unknown', kind: 'no-answer' },
    { knobs: { faults: { resetBeforeBilling: 1 } }, is: 'unknown', kind: 'no-answer' },
    { knobs: { faults: { resetAfterBilling: 1 } }, is: 'unknown', kind: 'no-answer' },
    { knobs: { faults: { serverErrorBilled: 1 } }, is: 'unknown', kind: 'provider-error' },
    { knobs: { faults: { truncatedBody: 1 } }, is: 'unknown', kind: 'no-answer' },
    { knobs: { faults: { malformedBody: 1 } }, is: 'unknown', kind: 'no-answer' },
    { knobs: { faults: { emptyAnswer: 1 } }, is: 'answered', kind: 'empty-answer' },
    { knobs: { faults: { maxTokens: 1 } }, is: 'answered', kind: 'answer-truncated' },
    { knobs: { faults: { contentFiltered: 1 } }, is: 'answered', kind: 'content-filtered' },
    { knobs: { faults: { malformedModelOutput: 1 } }, is: 'answered', kind: 'malformed-answer' },
    { knobs: { faults: { contextExceeded: 1 } }, is: 'answered', kind: 'context-overflow' },
    { knobs: { faults: { usageAboveBound: 1 } }, is: 'answered', kind: undefined },
  ])('$knobs: is $is, $kind, and counts at least what is billed', async ({ knobs, is, kind }) => {
    const isHang = JSON.stringify(knobs).includes('hang');
    const model = createModel(isHang ? 300 : 10_000);
    const job = `job_${(jobs += 1)}`;
    await setKnobs({ latency: { ms: 0 }, ...knobs });
    const outcome = await callOnce(model, job);
    await model.close();
    const bill = await billed(job);
    expect(outcome.kind).toBe(is);
    expect(verdictOf(outcome)).toBe(kind);
    if (outcome.kind === 'answered') expect(counted(outcome)).toBe(bill);
    expect(counted(outcome)).toBeGreaterThanOrEqual(bill);
    if (!JSON.stringify(knobs).includes('usageAboveBound')) expect(bill).toBeLessThanOrEqual(worst);
  });

  it('an old signature: is refused and not billed', async () => {
    const model = createModel();
    await setKnobs({ latency: { ms: 0 }, clockSkewMs: 10 * 60_000 });
    const late = await callOnce(model, 'job_late');
    expect(late).toMatchObject({ kind: 'not-billed', failure: { kind: 'not-sent' } });
    expect(await billed('job_late')).toBe(0n);
    await model.close();
  });
});

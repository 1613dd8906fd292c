import { openSandbox, type Sandbox } from '#prompts/sandbox.ts';
import { afterEach, describe, expect, it } from 'vitest';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
});

function open(workerUrl = new URL('./unruly-worker.ts', import.meta.url)): Sandbox {
  sandbox = openSandbox({ workerUrl, stuckMs: 300 });
  return sandbox;
}

function ask(texts: readonly string[], from: Sandbox) {
  return Promise.all(texts.map((text) => from.run(['analyse', 'prompt', text])));
}

describe('a thread that fails', () => {
  it.each([
    { how: 'exit', reason: 'the sandbox thread ended with 3' },
    { how: 'throw', reason: 'the thread fell over' },
    { how: 'hang', reason: 'the sandbox did not answer in time' },
  ])(
    'on one task of many ($how): fails that one, answers the others from a new thread',
    async ({ how, reason }) => {
      const texts = Array.from({ length: 200 }, (_, index) => (index === 70 ? how : `t${index}`));
      const answers = await ask(texts, open());
      expect(answers[70]).toEqual({ kind: 'exhausted', detail: reason });
      const others = answers.filter((_, index) => index !== 70);
      expect(others).toEqual(
        texts.filter((text) => text !== how).map((text) => ({ kind: 'answered', json: text })),
      );
    },
  );

  it('again and again: each culprit fails alone', async () => {
    const answers = await ask(['exit', 'a', 'throw', 'exit', 'b'], open());
    expect(answers.map(({ kind }) => kind)).toEqual([
      'exhausted',
      'answered',
      'exhausted',
      'exhausted',
      'answered',
    ]);
  });

  it('before it is ready: fails every task instead of starting for ever', async () => {
    const answers = await ask(['a', 'b'], open(new URL('./no-such-worker.ts', import.meta.url)));
    expect(answers).toEqual([
      { kind: 'broken', detail: expect.stringContaining('does not start') },
      { kind: 'broken', detail: expect.stringContaining('does not start') },
    ]);
  });
});

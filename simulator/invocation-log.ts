import { closeSync, openSync, writeSync } from 'node:fs';
import type { ModelCall } from './model-call.ts';

export interface Invocation {
  readonly call: ModelCall;
  readonly model: string;
  readonly requestId: string;
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface InvocationLog {
  write(invocation: Invocation): void;
  close(): void;
}

/**
 * The service's model invocation log as it is with text delivery off: one record for each billed call,
 * written before its answer, so that a lost answer can be looked up by its `requestMetadata`.
 */
export function openInvocationLog(file: string): InvocationLog {
  const fd = openSync(file, 'a');
  return {
    write: (invocation) => void writeSync(fd, `${JSON.stringify(recordOf(invocation))}\n`),
    close: () => closeSync(fd),
  };
}

function recordOf({ call, model, requestId, atMs, inputTokens, outputTokens }: Invocation) {
  return {
    schemaType: 'ModelInvocationLog',
    schemaVersion: '1.0',
    timestamp: new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    accountId: '123456789012',
    identity: { arn: 'arn:aws:iam::123456789012:user/simulator' },
    region: 'us-east-1',
    requestId,
    operation: call.operation,
    modelId: model,
    requestMetadata: call.metadata,
    input: {
      inputContentType: 'application/json',
      inputTokenCount: inputTokens,
      cacheReadInputTokenCount: 0,
      cacheWriteInputTokenCount: 0,
    },
    output: { outputContentType: 'application/json', outputTokenCount: outputTokens },
  };
}

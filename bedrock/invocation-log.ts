/** Bedrock's model invocation log, as it is delivered to S3 or exported from CloudWatch. */
import { z } from 'zod';
import type { LoggedUsage } from '#domain/logged-cost.ts';
import type { LogLine, ProviderLog } from './contract.ts';
import { bytesOfFiles, decompressed, linesOf, logFiles, type LogText } from './log-bytes.ts';

export interface InvocationLogOptions {
  /** A file, or a folder with files; null where the operator named none. */
  readonly place: string | null;
}

/** Reads the invocation log where it is kept, or as it is handed over. */
export function createInvocationLog({ place }: InvocationLogOptions): ProviderLog {
  return {
    read: (bytes) => readLog(decompressed(bytes)),
    kept: place === null ? null : () => readPlace(place),
  };
}

async function* readPlace(place: string): AsyncGenerator<LogLine> {
  try {
    yield* readLog(bytesOfFiles(await logFiles(place)));
  } catch (error) {
    yield { kind: 'unreadable', reason: reasonOf(error) };
  }
}

async function* readLog(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<LogLine> {
  try {
    for await (const text of linesOf(bytes)) {
      if (text.text === null || text.text.trim() !== '') yield lineOf(text);
    }
  } catch (error) {
    // Damaged compression, a file that vanished, an upload that broke off.
    yield { kind: 'unreadable', reason: reasonOf(error) };
  }
}

/** Whoever asked for this need not learn the operator's paths, which a system error's message carries. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isSystem = 'syscall' in error && 'code' in error;
  return isSystem ? `a file cannot be read (${String(error.code)})` : error.message;
}

function lineOf({ line, text }: LogText): LogLine {
  if (text === null) return { kind: 'broken', line, reason: 'the line is too long' };
  const record = recordIn(text);
  if (record === null) return { kind: 'broken', line, reason: 'the line is not a JSON object' };
  const head = headSchema.safeParse(record);
  if (!head.success) return { kind: 'broken', line, reason: 'the record has no readable head' };
  const { schemaType, timestamp, requestMetadata } = head.data;
  const at = timestamp ?? null;
  const hold = requestMetadata?.['pp_hold'];
  if (schemaType !== 'ModelInvocationLog' || hold === undefined) return { kind: 'other', at };
  const call = callSchema.safeParse(record);
  if (call.success) return callLine(hold, requestMetadata?.['pp_call'] ?? '', call.data);
  const path = call.error.issues[0]?.path.join('.') ?? '';
  return {
    kind: 'broken',
    line,
    reason: `a call of hold ${hold.slice(0, 80)} has no usable ${path}`,
  };
}

/** An export from CloudWatch puts its own time before the record; its events carry it as `message`. */
function recordIn(text: string): unknown {
  const record = objectIn(text.replace(/^\s*\d{4}-\d\d-\d\dT[\d:.]+Z\s+/, ''));
  const event = eventSchema.safeParse(record);
  return event.success ? objectIn(event.data.message) : record;
}

function objectIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const eventSchema = z.object({ message: z.string(), schemaType: z.undefined().optional() });
const timeSchema = z.string().refine((text) => !Number.isNaN(Date.parse(text)));
const headSchema = z.object({
  schemaType: z.string().optional(),
  timestamp: timeSchema.nullish().catch(null),
  requestMetadata: z.record(z.string(), z.string()).nullish(),
});
const count = z.int().nonnegative();

const callSchema = z.object({
  timestamp: timeSchema,
  requestId: z.string().min(1),
  modelId: z.string().min(1),
  errorCode: z.string().nullish(),
  input: z
    .object({
      inputTokenCount: count.nullish(),
      cacheReadInputTokenCount: count.nullish(),
      cacheWriteInputTokenCount: count.nullish(),
    })
    .nullish(),
  output: z
    .object({ outputTokenCount: count.nullish(), outputBodyJson: z.unknown().optional() })
    .nullish(),
});

type CallRecord = z.output<typeof callSchema>;

function callLine(hold: string, call: string, record: CallRecord): LogLine {
  const { timestamp: at, requestId, modelId: model } = record;
  const usage = usageOf(record);
  const isFailed = (record.errorCode ?? '') !== '';
  if (usage === null && isFailed) return { kind: 'failed-call', at };
  // Without a call id the request is a call of its own.
  return { kind: 'call', hold, call: call || `request ${requestId}`, requestId, model, at, usage };
}

function usageOf({ input, output }: CallRecord): LoggedUsage | null {
  const inputTokens = input?.inputTokenCount ?? null;
  const outputTokens = output?.outputTokenCount ?? null;
  const body = bodyUsage(output?.outputBodyJson);
  if (body !== null) return body;
  if (inputTokens === null || outputTokens === null) return null;
  const readTokens = input?.cacheReadInputTokenCount ?? null;
  const writeTokens = input?.cacheWriteInputTokenCount ?? null;
  const cache = readTokens === null || writeTokens === null ? null : { readTokens, writeTokens };
  return { inputTokens, outputTokens, cache };
}

/** What Converse answered with; the only place in which older records tell the cache's share. */
const bodySchema = z.object({
  usage: z.object({
    inputTokens: count,
    outputTokens: count,
    cacheReadInputTokens: count.nullish(),
    cacheWriteInputTokens: count.nullish(),
  }),
});

function bodyUsage(body: unknown): LoggedUsage | null {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success) return null;
  const { inputTokens, outputTokens } = parsed.data.usage;
  const { cacheReadInputTokens, cacheWriteInputTokens } = parsed.data.usage;
  const cache = { readTokens: cacheReadInputTokens ?? 0, writeTokens: cacheWriteInputTokens ?? 0 };
  return { inputTokens, outputTokens, cache };
}

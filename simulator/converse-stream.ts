import { EventStreamCodec } from '@smithy/eventstream-codec';
import type { AnswerContent, SimulatedAnswer } from './answer.ts';
import type { Encoded } from './converse.ts';
import { usageOf } from './converse.ts';

/** Every frame of a streamed answer in its order, from messageStart to metadata. */
export function encodeConverseStream(answer: SimulatedAnswer, latencyMs: number): Encoded {
  const frames = [
    frame('messageStart', { role: 'assistant' }),
    ...contentFrames(answer.content),
    frame('contentBlockStop', { contentBlockIndex: 0 }),
    frame('messageStop', { stopReason: answer.stopReason }),
    frame('metadata', { usage: usageOf(answer), metrics: { latencyMs } }),
  ];
  return { headers: streamHeaders, body: Buffer.concat(frames) };
}

const streamHeaders = { 'content-type': 'application/vnd.amazon.eventstream' };
const deltaLength = 24;

function contentFrames(content: AnswerContent): Uint8Array[] {
  if (content.kind === 'text') {
    return pieces(content.text).map((text) =>
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }),
    );
  }
  const toolUse = { toolUseId: content.id, name: content.name };
  return [
    frame('contentBlockStart', { contentBlockIndex: 0, start: { toolUse } }),
    ...pieces(JSON.stringify(content.input)).map((input) =>
      frame('contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input } } }),
    ),
  ];
}

/** The text in pieces of whole characters. */
function pieces(text: string): string[] {
  return text.match(new RegExp(`.{1,${deltaLength}}`, 'gsu')) ?? [];
}

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
  (text) => Buffer.from(text),
);

function frame(event: string, payload: unknown): Uint8Array {
  return codec.encode({
    headers: {
      ':event-type': { type: 'string', value: event },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'event' },
    },
    body: Buffer.from(JSON.stringify(payload)),
  });
}

import { describe, expect, it } from 'vitest';
import { judgeAnswer } from '#domain/answer.ts';

describe('judgeAnswer', () => {
  it.each([
    { stopReason: 'end_turn', text: 'a', kind: null },
    { stopReason: 'stop_sequence', text: 'a', kind: null },
    { stopReason: 'end_turn', text: '', kind: 'empty-answer' },
    { stopReason: 'end_turn', text: ' \n', kind: 'empty-answer' },
    { stopReason: 'stop_sequence', text: '', kind: 'empty-answer' },
    { stopReason: 'max_tokens', text: 'a', kind: 'answer-truncated' },
    { stopReason: 'max_tokens', text: '', kind: 'answer-truncated' },
    { stopReason: 'content_filtered', text: 'a', kind: 'content-filtered' },
    { stopReason: 'guardrail_intervened', text: 'a', kind: 'content-filtered' },
    { stopReason: 'malformed_model_output', text: 'a', kind: 'malformed-answer' },
    { stopReason: 'malformed_tool_use', text: 'a', kind: 'malformed-answer' },
    { stopReason: 'model_context_window_exceeded', text: 'a', kind: 'context-overflow' },
    { stopReason: 'tool_use', text: 'a', kind: 'malformed-answer' },
    { stopReason: 'invented_in_2027', text: 'a', kind: 'malformed-answer' },
    { stopReason: '', text: 'a', kind: 'malformed-answer' },
  ])('$stopReason with "$text": is $kind', ({ stopReason, text, kind }) => {
    const verdict = judgeAnswer({ stopReason, text, usage: { outputTokens: 7 } });
    expect(verdict?.kind ?? null).toBe(kind);
  });
});

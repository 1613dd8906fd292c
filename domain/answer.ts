import type { Failure } from './failure.ts';
import { failure } from './failure.ts';

/** What is judged of an answer; it is paid for, whatever the verdict. */
export interface JudgedAnswer {
  readonly text: string;
  readonly stopReason: string;
  readonly usage: { readonly outputTokens: number };
}

/**
 * Why an answer cannot be used, or null when it can. HTTP said 200 for all of these: the stop reason
 * and the text decide. A stop reason that is not known here is not trusted to be a complete answer.
 */
export function judgeAnswer(answer: JudgedAnswer): Failure | null {
  switch (answer.stopReason) {
    case 'end_turn':
    case 'stop_sequence':
      return answer.text.trim() === '' ? emptyAnswer(answer) : null;
    case 'max_tokens':
      return failure(
        'answer-truncated',
        `The answer was cut after ${answer.usage.outputTokens} tokens. Raise the step's maxTokens, or ask for less.`,
      );
    case 'content_filtered':
    case 'guardrail_intervened':
      return failure(
        'content-filtered',
        `The provider withheld the answer (${answer.stopReason}). Change the prompt or the seed row.`,
      );
    case 'model_context_window_exceeded':
      return failure(
        'context-overflow',
        'Prompt and answer are longer than the model can read. Shorten the prompt, or choose a model with a larger context.',
      );
    case 'malformed_model_output':
    case 'malformed_tool_use':
      return failure(
        'malformed-answer',
        `The provider could not read the model's answer (${answer.stopReason}).`,
      );
    default:
      return failure(
        'malformed-answer',
        `The model stopped for "${answer.stopReason.slice(0, 64)}"; a text answer ends with end_turn or stop_sequence.`,
      );
  }
}

function emptyAnswer(answer: JudgedAnswer): Failure {
  return failure(
    'empty-answer',
    `The answer holds no text (${answer.usage.outputTokens} tokens were generated).`,
  );
}

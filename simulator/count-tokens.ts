import { z } from 'zod';
import { inputTokensOf } from './answer.ts';
import { parseBody, parseConverse } from './converse-body.ts';
import { parseInvoke } from './invoke.ts';
import { bareId, familyOf, isFoundationModel } from './models.ts';
import { validationError } from './wire-error.ts';

const countSchema = z.object({
  input: z.object({
    converse: z.unknown().optional(),
    invokeModel: z.object({ body: z.string() }).optional(),
  }),
});

/**
 * Input tokens of what a call would send, as usage will report them. Only foundation models count,
 * under their own id; profiles and models of other families get the service's 400.
 */
export function countTokens(model: string, body: unknown): { inputTokens: number } {
  const isProfile = bareId(model) !== model || model.startsWith('arn:');
  if (!isProfile && !isFoundationModel(model)) {
    throw validationError('The provided model identifier is invalid.');
  }
  if (isProfile || !familyOf(model).countTokens) {
    throw validationError("The provided model doesn't support counting tokens.");
  }
  const { input } = parseBody(countSchema, body);
  if (input.converse !== undefined) {
    return { inputTokens: inputTokensOf(parseConverse('Converse', model, input.converse)) };
  }
  if (input.invokeModel === undefined) throw validationError('The input field is empty.');
  const raw = Buffer.from(input.invokeModel.body, 'base64').toString();
  return { inputTokens: inputTokensOf(parseInvoke(model, parseJson(raw), {}).call) };
}

/** The JSON in a request; throws the service's 400 when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw validationError('Malformed input request, please reformat your input and try again.');
  }
}

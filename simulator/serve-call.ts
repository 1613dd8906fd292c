import type { SimulatedAnswer } from './answer.ts';
import { answerOf, inputTokensOf, withFault } from './answer.ts';
import type { Encode, Encoded } from './converse.ts';
import type { Exchange } from './exchange.ts';
import { isRefusal, refusalOf } from './faults.ts';
import type { AnswerFault, FaultKind, Knobs, LossFault } from './knobs.ts';
import { answerFaultKinds } from './knobs.ts';
import type { ModelCall } from './model-call.ts';
import type { ServedModel } from './models.ts';
import { findModel, refuseUnsupported } from './models.ts';
import type { Simulation } from './simulation.ts';
import type { CallEnd } from './stats.ts';
import type { Reservation } from './token-bucket.ts';

export interface ServedCall {
  readonly exchange: Exchange;
  readonly call: ModelCall;
  readonly encode: Encode;
  /** Told how the call ended before its last byte is handed over. */
  readonly end: (end: CallEnd) => void;
}

/**
 * One model call from its validation to its answer. Billed in the moment the model would be done, before a
 * byte is answered and whether or not the client is still there. Throws what is refused and not billed.
 */
export async function serveCall(simulation: Simulation, served: ServedCall): Promise<void> {
  const { call } = served;
  const model = findModel(call.model);
  refuseUnsupported(call, model);
  const knobs = simulation.knobs.current();
  const fault = simulation.faults.next(call, knobs);
  if (fault !== null && isRefusal(fault)) throw refusalOf(fault, knobs.retryAfterS);
  if (fault === 'hang') return;
  const reservation = reserve(simulation, call, model, knobs);
  const startedMs = performance.now();
  await simulation.wait(
    knobs.latency.ms + simulation.faults.jitter(knobs) * knobs.latency.jitterMs,
  );
  if (fault === 'resetBeforeBilling') {
    reservation?.settle(0);
    reset(served);
    return;
  }
  const plain = answerOf(call, model);
  const answer = isAnswerFault(fault)
    ? withFault(plain, fault, call.maxTokens ?? model.maxTokensMax)
    : plain;
  reservation?.settle(answer.inputTokens + answer.outputTokens * model.family.burndown);
  charge(simulation, served, { model, answer, fault });
  const latencyMs = Math.round(performance.now() - startedMs);
  deliver(served, served.encode(answer, latencyMs), fault);
}

function reserve(
  simulation: Simulation,
  call: ModelCall,
  model: ServedModel,
  knobs: Knobs,
): Reservation | null {
  if (knobs.tokensPerMinute === null) return null;
  const tokens = inputTokensOf(call) + (call.maxTokens ?? model.maxTokensMax);
  const reservation = simulation.buckets.reserve(model.id, tokens, knobs.tokensPerMinute);
  if (reservation !== null) return reservation;
  simulation.faults.count('tokensPerMinute');
  throw refusalOf('throttle', knobs.retryAfterS);
}

function isAnswerFault(fault: FaultKind | null): fault is AnswerFault {
  return answerFaultKinds.some((kind) => kind === fault);
}

interface Generated {
  readonly model: ServedModel;
  readonly answer: SimulatedAnswer;
  readonly fault: FaultKind | null;
}

function charge(
  simulation: Simulation,
  { exchange, call }: ServedCall,
  { model, answer, fault }: Generated,
): void {
  const { inputTokens, outputTokens } = answer;
  const { requestId } = exchange;
  const isLost = exchange.isClientGone() || (fault !== null && !isAnswerFault(fault));
  simulation.bill.append({
    requestId,
    model: model.id,
    hold: call.metadata['pp_hold'] ?? null,
    call: call.metadata['pp_call'] ?? null,
    inputTokens,
    outputTokens,
    costPusd: BigInt(inputTokens) * model.price.input + BigInt(outputTokens) * model.price.output,
    outcome: isLost ? 'lost' : 'delivered',
  });
  const atMs = simulation.now();
  simulation.invocationLog?.write({
    call,
    model: model.id,
    requestId,
    atMs,
    inputTokens,
    outputTokens,
  });
}

/** Writes the billed answer, or loses it in the way of the fault. */
function deliver(served: ServedCall, { headers, body }: Encoded, fault: FaultKind | null): void {
  const { exchange, end } = served;
  if (fault === null || isAnswerFault(fault) || isRefusal(fault)) {
    end(200);
    exchange.send(200, headers, body);
    return;
  }
  lose(served, { headers, body }, fault);
}

function lose(served: ServedCall, { headers, body }: Encoded, fault: LossFault): void {
  const { exchange, end } = served;
  switch (fault) {
    case 'hang':
    case 'hangBilled':
      return;
    case 'resetBeforeBilling':
    case 'resetAfterBilling':
      reset(served);
      return;
    case 'serverErrorBilled':
      throw refusalOf('serverError', null);
    case 'truncatedBody':
      end(200);
      exchange.sendCut(200, headers, Buffer.from(body));
      return;
    case 'malformedBody':
      end(200);
      exchange.send(200, headers, '<html><body><h1>502 Bad Gateway</h1></body></html>');
      return;
  }
}

function reset({ exchange, end }: ServedCall): void {
  end('reset');
  exchange.reset();
}

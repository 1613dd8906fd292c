import type { Encode } from './converse.ts';
import { encodeConverse, jsonHeaders } from './converse.ts';
import { parseConverse } from './converse-body.ts';
import { encodeConverseStream } from './converse-stream.ts';
import { countTokens, parseJson } from './count-tokens.ts';
import type { Exchange } from './exchange.ts';
import { refusalOf } from './faults.ts';
import { parseInvoke } from './invoke.ts';
import { bareId, isFoundationModel, shortId } from './models.ts';
import type { ModelCall } from './model-call.ts';
import { serveCall } from './serve-call.ts';
import { checkSignature } from './signature.ts';
import type { Simulation } from './simulation.ts';
import type { CallEnd } from './stats.ts';
import { unknownOperation, validationError, WireError } from './wire-error.ts';

/** Answers `POST /model/{id}/{operation}`, with an error in the service's form where it must. */
export async function serveModelRoute(simulation: Simulation, exchange: Exchange): Promise<void> {
  const knobs = simulation.knobs.current();
  if (knobs.down === 'refuse') {
    simulation.faults.count('downRefused');
    exchange.reset();
    return;
  }
  const route = parseRoute(exchange);
  const end = beginRequest(simulation, exchange, route);
  try {
    if (route instanceof WireError) throw route;
    if (knobs.down === 'unavailable') {
      simulation.faults.count('downUnavailable');
      throw refusalOf('unavailable', knobs.retryAfterS);
    }
    const body = await exchange.readBody();
    checkSignature(exchange.headers, simulation.now() + knobs.clockSkewMs);
    const parsed = parseJson(body.toString());
    if (route.operation === 'count-tokens') {
      const counted = JSON.stringify(countTokens(route.model, parsed));
      end(200);
      exchange.send(200, jsonHeaders, counted);
    } else {
      const { call, encode } = parseCall(route, parsed, exchange.headers);
      await serveCall(simulation, { exchange, call, encode, end });
    }
  } catch (error) {
    // A client that left in the middle of its own request has nobody to answer to.
    if (exchange.isClientGone()) return;
    const wire = toWireError(error);
    end(wire.status);
    sendError(exchange, wire);
  }
}

export function sendError(exchange: Exchange, error: WireError): void {
  const headers = { ...jsonHeaders, 'x-amzn-errortype': error.type, ...error.headers };
  const body = JSON.stringify({ message: error.message, ...error.fields });
  exchange.send(error.status, headers, body);
}

/** The error itself, or the service's 500 for a fault of the simulator's own, which goes to stderr. */
export function toWireError(error: unknown): WireError {
  if (error instanceof WireError) return error;
  console.error('simulator: a request failed in the simulator itself:', error);
  return new WireError(500, 'InternalServerException', 'The simulator failed; its log says why.');
}

interface Route {
  readonly model: string;
  readonly operation: string;
}

const operations = ['converse', 'converse-stream', 'invoke', 'count-tokens'];

/** Split first, decoded after: an encoded slash or colon belongs to the model id. */
function parseRoute({ method, path }: Exchange): Route | WireError {
  const [, , encoded = '', operation = '', ...more] = path.split('/');
  if (method !== 'POST' || more.length > 0 || !operations.includes(operation)) {
    return unknownOperation(method, path);
  }
  try {
    const model = decodeURIComponent(encoded);
    if (model !== '') return { model, operation };
  } catch {
    // Falls through: an id that cannot be decoded is no id.
  }
  return validationError('The provided model identifier is invalid.');
}

function beginRequest(
  simulation: Simulation,
  exchange: Exchange,
  route: Route | WireError,
): (end: CallEnd) => void {
  const id = route instanceof WireError ? '' : shortId(route.model);
  // Ids that no price names share one row, so that a client cannot grow the table.
  const endStats = simulation.stats.begin(isFoundationModel(bareId(id)) ? id : 'unknown');
  let isOpen = true;
  function end(how: CallEnd): void {
    if (!isOpen) return;
    isOpen = false;
    endStats(how);
    simulation.requestLog?.write(exchange, how, simulation.now());
  }
  exchange.whenGone(() => {
    simulation.faults.count('clientGone');
    end('gone');
  });
  return end;
}

function parseCall(
  { model, operation }: Route,
  body: unknown,
  headers: Exchange['headers'],
): { call: ModelCall; encode: Encode } {
  switch (operation) {
    case 'converse':
      return { call: parseConverse('Converse', model, body), encode: encodeConverse };
    case 'converse-stream':
      return { call: parseConverse('ConverseStream', model, body), encode: encodeConverseStream };
    default:
      return parseInvoke(model, body, headers);
  }
}

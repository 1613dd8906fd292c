import type { Total } from './bill.ts';
import { jsonHeaders } from './converse.ts';
import { parseJson } from './count-tokens.ts';
import type { Exchange } from './exchange.ts';
import type { Simulation } from './simulation.ts';
import { unknownOperation, validationError } from './wire-error.ts';

/** Answers the simulator's own routes, which no real service has: bill, knobs, faults, stats. */
export async function serveControl(simulation: Simulation, exchange: Exchange): Promise<void> {
  const route = `${exchange.method} ${exchange.path}`;
  switch (route) {
    case 'GET /bill':
      return sendJson(exchange, billOf(simulation, prefixOf(exchange)));
    case 'GET /bill/total':
      return sendJson(exchange, totalOf(simulation, exchange.query().get('job')));
    case 'GET /bill/calls':
      return sendLines(simulation, exchange);
    case 'GET /knobs':
      return sendJson(exchange, simulation.knobs.view());
    case 'PUT /knobs':
      return putKnobs(simulation, exchange);
    case 'GET /faults':
      return sendJson(exchange, { fired: simulation.faults.fired() });
    case 'GET /stats':
      return sendJson(exchange, simulation.stats.view());
    default:
      throw unknownOperation(exchange.method, exchange.path);
  }
}

export function sendJson(exchange: Exchange, value: unknown): void {
  exchange.send(200, jsonHeaders, JSON.stringify(value));
}

function prefixOf(exchange: Exchange): string {
  return exchange.query().get('hold_prefix') ?? '';
}

function billOf({ bill }: Simulation, prefix: string) {
  const byHold: Record<string, { calls: number; costPusd: string }> = {};
  let calls = 0;
  let costPusd = 0n;
  for (const [hold, total] of bill.holds(prefix)) {
    byHold[hold] = { calls: total.calls, costPusd: total.costPusd.toString() };
    calls += total.calls;
    costPusd += total.costPusd;
  }
  return { ...present({ calls, costPusd }), byHold };
}

function totalOf({ bill }: Simulation, job: string | null) {
  return present(job === null ? bill.total() : bill.totalOfJob(job));
}

function present({ calls, costPusd }: Total) {
  return { calls, costPusd: costPusd.toString(), costUsd: usdText(costPusd) };
}

/** Pico-dollars as an exact decimal in USD, with at least two digits after the point. */
function usdText(costPusd: bigint): string {
  const digits = costPusd.toString().padStart(13, '0');
  const fraction = digits.slice(-12).replace(/0+$/, '').padEnd(2, '0');
  return `${digits.slice(0, -12)}.${fraction}`;
}

function sendLines(simulation: Simulation, exchange: Exchange): Promise<void> {
  const lines = simulation.bill.lines(prefixOf(exchange));
  return exchange.sendStream({ 'content-type': 'application/x-ndjson' }, ended(lines));
}

async function* ended(lines: AsyncIterable<string>): AsyncIterable<string> {
  for await (const line of lines) yield `${line}\n`;
}

async function putKnobs(simulation: Simulation, exchange: Exchange): Promise<void> {
  const body = parseJson((await exchange.readBody()).toString());
  const outcome = simulation.knobs.put(body);
  if (outcome.kind === 'invalid')
    throw validationError(`The knobs were not set: ${outcome.reason}`);
  sendJson(exchange, outcome.view);
  if (outcome.view.knobs.down === 'refuse') simulation.dropConnections();
}

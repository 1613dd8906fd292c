import { openBill } from './bill.ts';
import { sendJson, serveControl } from './control.ts';
import type { Exchange } from './exchange.ts';
import { createExchange } from './exchange.ts';
import { createFaults } from './faults.ts';
import { listFoundationModels } from './foundation-models.ts';
import { openInvocationLog } from './invocation-log.ts';
import type { KnobsPatch } from './knobs.ts';
import { createKnobs } from './knobs.ts';
import { listen } from './listener.ts';
import { sendError, serveModelRoute, toWireError } from './model-routes.ts';
import { openRequestLog } from './request-log.ts';
import { checkSignature } from './signature.ts';
import type { Simulation } from './simulation.ts';
import { createStats } from './stats.ts';
import { createTokenBuckets } from './token-bucket.ts';

export interface SimulatorOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Appended to; what is in it counts. */
  readonly billFile: string;
  /** Wait for the disk at every billed answer. */
  readonly isBillSynced?: boolean;
  readonly invocationLogFile?: string;
  readonly requestLogFile?: string;
  /** What `PUT /knobs` starts from. */
  readonly knobs?: KnobsPatch;
  /** Milliseconds since 1970; the machine's clock when absent. */
  readonly now?: () => number;
}

export interface Simulator {
  /** Such as `http://127.0.0.1:40123`: for the SDK's `endpoint` and for the control routes. */
  readonly url: string;
  /** Stops listening, cuts what is open and closes the bill. Calls not finished are not billed. */
  close(): Promise<void>;
}

/**
 * A stand-in for Amazon Bedrock on 127.0.0.1 that keeps its own bill and misbehaves on request.
 * Rejects when the port is taken or the bill cannot be read.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const now = options.now ?? Date.now;
  const timers = createTimers();
  const bill = await openBill({
    file: options.billFile,
    isSynced: options.isBillSynced ?? false,
    now,
  });
  const { invocationLogFile, requestLogFile } = options;
  const shared = {
    knobs: createKnobs(options.knobs ?? {}, now),
    faults: createFaults(),
    stats: createStats(),
    buckets: createTokenBuckets(now),
    bill,
    invocationLog: invocationLogFile === undefined ? null : openInvocationLog(invocationLogFile),
    requestLog: requestLogFile === undefined ? null : openRequestLog(requestLogFile),
    now,
    wait: timers.wait,
  };
  const listener = await listen({
    port: options.port ?? 0,
    handle: (incoming, outgoing) => void serve(simulation, createExchange(incoming, outgoing)),
    isRefusing: () => shared.knobs.current().down === 'refuse',
    onRefused: () => shared.faults.count('downRefused'),
  });
  const simulation: Simulation = { ...shared, dropConnections: listener.dropConnections };
  return {
    url: `http://127.0.0.1:${listener.port}`,
    close: async () => {
      timers.clear();
      await listener.close();
      simulation.invocationLog?.close();
      simulation.requestLog?.close();
      bill.close();
    },
  };
}

/** Answers one request. Never rejects: every failure becomes an answer. */
async function serve(simulation: Simulation, exchange: Exchange): Promise<void> {
  if (exchange.path.startsWith('/model/')) return serveModelRoute(simulation, exchange);
  try {
    if (exchange.method === 'GET' && exchange.path === '/foundation-models') {
      const { clockSkewMs } = simulation.knobs.current();
      checkSignature(exchange.headers, simulation.now() + clockSkewMs);
      sendJson(exchange, listFoundationModels(exchange.query()));
    } else await serveControl(simulation, exchange);
  } catch (error) {
    sendError(exchange, toWireError(error));
  }
}

function createTimers() {
  const pending = new Set<NodeJS.Timeout>();
  let isOpen = true;
  return {
    wait: (ms: number): Promise<void> => {
      if (ms <= 0 && isOpen) return Promise.resolve();
      return new Promise((resolve) => {
        if (!isOpen) return;
        const timer = setTimeout(() => {
          pending.delete(timer);
          resolve();
        }, ms);
        pending.add(timer);
      });
    },
    clear: () => {
      isOpen = false;
      for (const timer of pending) clearTimeout(timer);
      pending.clear();
    },
  };
}

import { closeSync, openSync, writeSync } from 'node:fs';
import type { Exchange } from './exchange.ts';
import type { CallEnd } from './stats.ts';

export interface RequestLog {
  write(exchange: Exchange, end: CallEnd, nowMs: number): void;
  close(): void;
}

/**
 * One JSON line for each model request as it ends. `invocation` and `attempt` are the client's own: the
 * same invocation twice is a retry inside an SDK.
 */
export function openRequestLog(file: string): RequestLog {
  const fd = openSync(file, 'a');
  let isOpen = true;
  return {
    write: (exchange, end, nowMs) => {
      // Calls that closing the simulator cuts off end after it.
      if (!isOpen) return;
      const line = {
        at: new Date(nowMs).toISOString(),
        requestId: exchange.requestId,
        method: exchange.method,
        path: exchange.path,
        end,
        invocation: exchange.headers['amz-sdk-invocation-id'] ?? null,
        attempt: exchange.headers['amz-sdk-request'] ?? null,
      };
      writeSync(fd, `${JSON.stringify(line)}\n`);
    },
    close: () => {
      isOpen = false;
      closeSync(fd);
    },
  };
}

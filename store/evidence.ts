import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { LoggedCall } from '#domain/reconcile.ts';
import type { Evidence, Objects } from './contract.ts';
import { moneySchema } from './schemas.ts';

/**
 * Evidence as numbered objects that are put once, over any object store: whoever adds to a hold's
 * evidence reads what stands and takes the next free number, or reads again when somebody else took it.
 * So no two writers can lose each other's calls.
 */
export function createEvidence(objects: Objects): Evidence {
  return {
    async add(hold, calls) {
      for (;;) {
        const standing = await readPieces(objects, hold);
        const known = new Set(standing.calls.map(({ requestId }) => requestId));
        const unique = new Map(calls.map((call) => [call.requestId, call]));
        const fresh = [...unique.values()].filter(({ requestId }) => !known.has(requestId));
        if (fresh.length === 0) return standing.calls;
        const key = keyOf(hold, standing.pieces + 1);
        const put = await objects.putIfAbsent(key, encode(fresh));
        if (put === 'stored') return [...standing.calls, ...fresh];
      }
    },
    read: async (hold) => (await readPieces(objects, hold)).calls,
  };
}

function keyOf(hold: string, piece: number): string {
  return `evidence/${hold}/${piece}`;
}

async function readPieces(
  objects: Objects,
  hold: string,
): Promise<{ readonly pieces: number; readonly calls: readonly LoggedCall[] }> {
  const calls: LoggedCall[] = [];
  for (let piece = 1; ; piece += 1) {
    const key = keyOf(hold, piece);
    const bytes = await objects.get(key);
    if (bytes === null) return { pieces: piece - 1, calls };
    calls.push(...decode(key, bytes));
  }
}

const callsSchema = z.array(
  z.strictObject({ call: z.string(), requestId: z.string(), cost: moneySchema }),
);
const pieceSchema = z.strictObject({ calls: z.string(), sha256: z.string() });

function encode(fresh: readonly LoggedCall[]): Uint8Array {
  const list = fresh.map(({ call, requestId, cost }) => {
    return { call, requestId, cost: cost.toString() };
  });
  const calls = JSON.stringify(list);
  return new TextEncoder().encode(JSON.stringify({ calls, sha256: digest(calls) }));
}

/** Throws on a damaged piece: money was moved by it, so guessing what it said could move it again. */
function decode(key: string, bytes: Uint8Array): readonly LoggedCall[] {
  const { calls, sha256 } = pieceSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  if (digest(calls) === sha256) return callsSchema.parse(JSON.parse(calls));
  throw new Error(`${key} is damaged: its digest does not match; restore it from a backup`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

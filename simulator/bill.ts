import {
  closeSync,
  createReadStream,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** One billed answer: what the provider charges for, whether or not the client ever saw it. */
export interface BillLine {
  /** 1 for the first line of the file. */
  readonly seq: number;
  readonly at: string;
  readonly requestId: string;
  readonly model: string;
  /** `requestMetadata.pp_hold` and `pp_call`; null where the call did not say. */
  readonly hold: string | null;
  readonly call: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** A whole number of pico-dollars (10^-12 USD). */
  readonly costPusd: string;
  /** `lost`: the answer was never sent whole, or its client was gone before it was ready. */
  readonly outcome: 'delivered' | 'lost';
}

export type BillEntry = Omit<BillLine, 'seq' | 'at' | 'costPusd'> & { readonly costPusd: bigint };

export interface Total {
  readonly calls: number;
  readonly costPusd: bigint;
}

export interface Bill {
  /** Returns when the line is in the file (on the disk where the bill is synced). Throws when it cannot be. */
  append(entry: BillEntry): void;
  total(): Total;
  /** Of all holds whose first path segment is this, such as `job_01K` for `job_01K/000012/3`. */
  totalOfJob(job: string): Total;
  /** Each hold whose name begins so, with its total; calls without a hold are under ''. */
  holds(prefix: string): Iterable<readonly [string, Total]>;
  /** The file's lines, oldest first, of holds whose names begin so. */
  lines(prefix: string): AsyncIterable<string>;
  close(): void;
}

export interface BillOptions {
  readonly file: string;
  /** Wait for the disk at every line: a bill that survives a power cut. */
  readonly isSynced: boolean;
  readonly now: () => number;
}

/**
 * Opens an append-only bill and reads back what is in it; totals continue. A last line without its end was
 * never answered for, since lines are written before answers: it is cut off. Any other bad line throws.
 */
export async function openBill(options: BillOptions): Promise<Bill> {
  const fd = openSync(options.file, 'a+');
  const totals = createTotals();
  let seq = 0;
  const complete = await readBack(options.file, (line) => {
    seq = line.seq;
    totals.add(line.hold, BigInt(line.costPusd));
  });
  let size = complete;
  ftruncateSync(fd, size);

  function write(text: string): void {
    try {
      const written = writeSync(fd, text);
      if (written !== Buffer.byteLength(text))
        throw new Error('the disk took only a part of a line');
      if (options.isSynced) fdatasyncSync(fd);
      size += written;
    } catch (cause) {
      // What is not in the bill is not billed: the caller answers with an error instead.
      ftruncateSync(fd, size);
      throw new Error(`The bill ${options.file} could not be written. Free some space.`, { cause });
    }
  }

  return {
    append(entry) {
      const at = new Date(options.now()).toISOString();
      const line: BillLine = { seq: seq + 1, at, ...entry, costPusd: entry.costPusd.toString() };
      write(`${JSON.stringify(line)}\n`);
      seq += 1;
      totals.add(entry.hold, entry.costPusd);
    },
    total: totals.all,
    totalOfJob: totals.ofJob,
    holds: totals.holds,
    lines: (prefix) => linesOf(options.file, size, prefix),
    close: () => closeSync(fd),
  };
}

function createTotals() {
  const all = emptyTotal();
  const byHold = new Map<string, ReturnType<typeof emptyTotal>>();
  const byJob = new Map<string, ReturnType<typeof emptyTotal>>();

  return {
    add(hold: string | null, costPusd: bigint): void {
      const name = hold ?? '';
      for (const total of [all, totalIn(byHold, name), totalIn(byJob, jobOf(name))]) {
        total.calls += 1;
        total.costPusd += costPusd;
      }
    },
    all: (): Total => ({ ...all }),
    ofJob: (job: string): Total => ({ ...(byJob.get(job) ?? emptyTotal()) }),
    *holds(prefix: string): Iterable<readonly [string, Total]> {
      for (const entry of byHold) if (entry[0].startsWith(prefix)) yield entry;
    },
  };
}

function emptyTotal() {
  return { calls: 0, costPusd: 0n };
}

function totalIn(totals: Map<string, ReturnType<typeof emptyTotal>>, name: string) {
  let total = totals.get(name);
  if (total === undefined) {
    total = emptyTotal();
    totals.set(name, total);
  }
  return total;
}

function jobOf(hold: string): string {
  const end = hold.indexOf('/');
  return end === -1 ? hold : hold.slice(0, end);
}

const lineSchema = z.object({
  seq: z.int().positive(),
  hold: z.string().nullable(),
  costPusd: z.string().regex(/^\d+$/),
});

/** Feeds each whole line to `take`; returns how many bytes they are. */
async function readBack(
  file: string,
  take: (line: z.infer<typeof lineSchema>) => void,
): Promise<number> {
  let complete = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file)) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      take(parseLine(rest.toString('utf8', 0, end), file));
      complete += end + 1;
      rest = rest.subarray(end + 1);
    }
  }
  return complete;
}

function parseLine(text: string, file: string): z.infer<typeof lineSchema> {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch (cause) {
    const seen = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    throw new Error(
      `The bill ${file} has a line that is not a bill line: ${seen}. Give another file or repair this one.`,
      { cause },
    );
  }
}

/** Only the first `size` bytes: what is being appended meanwhile may be half a line. */
async function* linesOf(file: string, size: number, prefix: string): AsyncIterable<string> {
  if (size === 0) return;
  for await (const line of createInterface({ input: createReadStream(file, { end: size - 1 }) })) {
    if (prefix === '' || (holdOf(line) ?? '').startsWith(prefix)) yield line;
  }
}

function holdOf(line: string): string | null {
  const parsed = lineSchema.safeParse(JSON.parse(line));
  return parsed.success ? parsed.data.hold : null;
}

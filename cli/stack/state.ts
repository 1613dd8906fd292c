import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const childSchema = z.object({
  name: z.string(),
  pid: z.int(),
  /** The command line: a process with this pid and another one is not ours. */
  command: z.string(),
  restarts: z.int(),
});

const stateSchema = z.object({
  version: z.literal(1),
  supervisor_pid: z.int(),
  guard_pid: z.int().nullable(),
  started_at: z.string(),
  provider: z.enum(['simulator', 'bedrock']),
  api_url: z.string(),
  temporal_address: z.string(),
  temporal_ui_url: z.string().nullable(),
  simulator_url: z.string().nullable(),
  logs: z.string(),
  children: z.array(childSchema),
});

/** What a stack tells other commands about itself, in stack.json. */
export type StackState = z.output<typeof stateSchema>;
export type ChildState = z.output<typeof childSchema>;

/** The state as it was last written, or null where there is none that can be read. */
export function readState(file: string): StackState | null {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

export function writeState(file: string, state: StackState): void {
  writeAtomic(file, `${JSON.stringify(state, null, 2)}\n`);
}

export function removeState(file: string): void {
  rmSync(file, { force: true });
}

/** A reader sees the file before or after, never half of it. */
export function writeAtomic(file: string, text: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}

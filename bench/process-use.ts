import { readFileSync } from 'node:fs';

/** Clock ticks per second of /proc (USER_HZ), which Linux has fixed at 100 for its interfaces. */
const ticksPerSecond = 100;

/** What a running process has used since its start: CPU of all its threads, and its largest size. */
export function processUse(pid: number): { readonly cpuMs: number; readonly peakMb: number } {
  // After the command in parentheses, which may hold spaces; user and system time are fields 14 and 15.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(stat[11]) + Number(stat[12]);
  const peakKb = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuMs: (ticks / ticksPerSecond) * 1_000, peakMb: Math.round(Number(peakKb) / 1_024) };
}

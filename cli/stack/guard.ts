import { spawn } from 'node:child_process';

/** Ends the children when the supervisor is gone without having done so. */
export interface Guard {
  readonly pid: number | null;
  watch(pid: number, order: StopOrder): void;
  forget(pid: number): void;
  /** No child is left: the guard goes. */
  dismiss(): void;
}

/** Who is asked to end first: those who use the others. */
export type StopOrder = 'first' | 'last';

/** Workers take up to 100 s to bring in their answers (worker.ts); what then still runs is killed. */
export const drainMs = 110_000;
export const lastStopMs = 10_000;

/**
 * A shell that reads its stdin: `first PID`, `last PID`, `drop PID`. The pipe closes when the supervisor
 * ends, however it ends, also by kill -9; the shell then asks the children to end, those that drain first.
 * It is a session of its own and ignores the terminal's signals, which reach the supervisor as well.
 */
const script = `
trap '' INT TERM HUP
first='' last=''
without() { kept=''; for p in $1; do [ "$p" = "$2" ] || kept="$kept $p"; done; }
while read -r verb pid; do
  case $verb in
    first) first="$first $pid" ;;
    last) last="$last $pid" ;;
    drop) without "$first" "$pid"; first=$kept; without "$last" "$pid"; last=$kept ;;
  esac
done
end() {
  [ -n "$1" ] || return 0
  kill -TERM $1 2>/dev/null
  waited=0
  while kill -0 $1 2>/dev/null && [ $waited -lt $2 ]; do sleep 1; waited=$((waited + 1)); done
  kill -KILL $1 2>/dev/null
}
end "$first" ${drainMs / 1_000}
end "$last" ${lastStopMs / 1_000}
`;

export function startGuard(): Guard {
  const shell = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a guard the children are still found by the next start, through stack.json.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  const tell = (line: string) => void shell.stdin.write(`${line}\n`);
  return {
    pid: shell.pid ?? null,
    watch: (pid, order) => tell(`${order} ${pid}`),
    forget: (pid) => tell(`drop ${pid}`),
    dismiss: () => void shell.stdin.end(),
  };
}

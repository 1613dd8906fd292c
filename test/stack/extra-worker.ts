import { join } from 'node:path';
import { type Environment, projectFile } from '#cli/environment.ts';
import { type Child, superviseChild } from '#cli/stack/child.ts';
import type { StackState } from '#cli/stack/state.ts';

/** A worker that a test adds to a stack, and what is wrong with its world. */
export interface ExtraWorker {
  /** Tells it from the stack's own workers, which are numbered from 1. */
  readonly number?: number;
  /** A module that is loaded before the worker. */
  readonly preload?: string;
  /** No file that it writes may grow beyond so many blocks of 1,024 bytes: a disk that is full. */
  readonly fileBlocksMax?: number;
}

const numberFirst = 9;

export function startExtraWorker(
  state: StackState,
  variables: Environment,
  { number = numberFirst, preload, fileBlocksMax }: ExtraWorker,
): Child {
  const node = [
    process.execPath,
    ...(preload === undefined ? [] : ['--import', preload]),
    projectFile('worker.ts'),
  ];
  const limited = ['/bin/sh', '-c', `ulimit -f ${fileBlocksMax}; exec "$@"`, 'sh', ...node];
  const [command = '', ...args] = fileBlocksMax === undefined ? node : limited;
  return superviseChild(
    {
      name: `worker-${number}`,
      command,
      args,
      env: {
        ...variables,
        TEMPORAL_ADDRESS: state.temporal_address,
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: state.simulator_url ?? '',
        AWS_ACCESS_KEY_ID: 'simulator',
        AWS_SECRET_ACCESS_KEY: 'simulator',
        AWS_EC2_METADATA_DISABLED: 'true',
      },
      log: join(state.logs, `worker-${number}.log`),
      ready: { kind: 'line' },
    },
    { onStart: () => undefined, onEnd: () => undefined },
  );
}

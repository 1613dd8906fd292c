import { createWorker, type Worker, type World } from './worker.ts';

export interface Staff {
  list(): readonly Worker[];
  hire(): Worker;
}

/** A worker that died or was asked to end is replaced after some seconds, as a service's tasks are. */
export function createStaff(world: World): Staff {
  const { time, conditions } = world;
  const workers: Worker[] = [];
  let hired = 0;
  function hire(): Worker {
    hired += 1;
    const worker = createWorker(world, `w${hired}`);
    workers.push(worker);
    return worker;
  }
  function replace(): void {
    const lively = workers.filter((worker) => worker.isPolling()).length;
    if (lively < conditions.workers) hire();
  }
  for (let count = 0; count < conditions.workers; count += 1) hire();
  return {
    list() {
      const lively = workers.filter((worker) => worker.isPolling());
      // Asked when work waits: the place of one that is gone is taken after a start of two seconds.
      if (lively.length < conditions.workers) time.after(2_000, replace);
      return lively;
    },
    hire,
  };
}

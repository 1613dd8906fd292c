import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundle,
} from '@temporalio/worker';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { projectFile } from '#cli/environment.ts';

const suffix = '.history.json';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length));

const folders: string[] = [];

beforeAll(() => {
  // A history that does not replay is told by its result; the core would print a page about each.
  const telemetryOptions = { logging: { filter: 'OFF', forward: {} } };
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions });
});

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function bundle(workflowsPath: string): Promise<WorkflowBundle> {
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
}

/** What the workflows of this bundle cannot replay: the histories' names with why. */
async function replay(workflowBundle: WorkflowBundle): Promise<Record<string, string>> {
  const histories = names.map((name) => {
    const history: unknown = JSON.parse(
      readFileSync(join(import.meta.dirname, `${name}${suffix}`), 'utf8'),
    );
    return { workflowId: name, history };
  });
  const broken: Record<string, string> = {};
  for await (const result of Worker.runReplayHistories({ workflowBundle }, histories)) {
    if (result.error !== undefined) broken[result.workflowId] = String(result.error);
  }
  return broken;
}

/** A copy of the workflows with one change, beside what they import. */
function changed(file: string, before: string, after: string): string {
  const root = mkdtempSync(join(tmpdir(), 'plot-palette-replay-'));
  folders.push(root);
  for (const each of ['package.json', 'workflows', 'domain', 'activities']) {
    cpSync(projectFile(each), join(root, each), { recursive: true });
  }
  symlinkSync(projectFile('node_modules'), join(root, 'node_modules'));
  const path = join(root, 'workflows', file);
  const text = readFileSync(path, 'utf8');
  expect(text.split(before)).toHaveLength(2);
  writeFileSync(path, text.replace(before, after));
  return join(root, 'workflows', 'index.ts');
}

describe('recorded histories', () => {
  it('replay with the workflows as they are', async () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'cancelled-1',
        'continued-as-new-1',
        'continued-as-new-2',
        'out-of-money-and-raised-1',
        'paused-and-resumed-1',
        'small-1',
        'worker-killed-1',
      ]),
    );
    expect(await replay(await bundle(projectFile('workflows', 'index.ts')))).toEqual({});
  });

  it.each([
    {
      change: 'an activity that the old code did not start',
      before: 'const { spent } = await activities.settleAccount({ jobId });',
      after:
        'await activities.settleAccount({ jobId }); const { spent } = await activities.settleAccount({ jobId });',
      breaks: ['small-1', 'cancelled-1', 'out-of-money-and-raised-1'],
    },
    {
      change: 'a status that is told earlier',
      before:
        "await condition(() => run.state.inFlight === 0);\n  await setStatus(run, 'cancelling', {});",
      after:
        "await setStatus(run, 'cancelling', {});\n  await condition(() => run.state.inFlight === 0);",
      breaks: ['cancelled-1'],
    },
  ])('do not replay, when a change adds $change', async ({ before, after, breaks }) => {
    const broken = await replay(await bundle(changed('end-job.ts', before, after)));
    expect(Object.keys(broken)).toEqual(expect.arrayContaining(breaks));
  });
});

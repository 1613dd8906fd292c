import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { projectFile } from './environment.ts';
import {
  concurrencyOption,
  listOption,
  moneyOption,
  recordsOption,
  seedOption,
  timeOption,
  workersOption,
} from './options.ts';
import type { CommandContext } from './session.ts';
import type { DevOptions } from './commands/dev.ts';
import type { RunOptions } from './commands/run.ts';
import type { ReconcileOptions } from './commands/reconcile.ts';
import type { ReplayOptions } from './commands/replay.ts';
import type { RaiseOptions, WatchOptions } from './commands/watch.ts';

export interface ProgramPorts {
  readonly isJson: boolean;
  /** Runs the chosen command. */
  readonly run: (command: (context: CommandContext) => Promise<number>) => Promise<void>;
}

/** The command line as commander reads it. Commands are loaded when they are chosen: help is instant. */
export function createProgram(ports: ProgramPorts): Command {
  const program = new Command('plot')
    .description('Turns templates and seed data into datasets with models on Amazon Bedrock.')
    .version(version(), '-V, --version')
    .helpOption('-h, --help', 'show this')
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({
      // What is wrong is said once, in the form that was asked for (main.ts).
      outputError: () => {},
    })
    .exitOverride()
    .addHelpText('before', examples)
    .addHelpText('after', exitCodesText);
  addRun(program, ports);
  addStack(program, ports);
  addLooks(program, ports);
  addControls(program, ports);
  addVerify(program, ports);
  addReconcile(program, ports);
  for (const command of program.commands) {
    command.exitOverride().helpOption('-h, --help', 'show this');
    command.option(
      '--json',
      'one JSON object per line on stdout, a result last; messages on stderr',
    );
  }
  return program;
}

const examples = `Examples:
  ./plot run examples/film-blurbs.yaml --seeds movies.json --records 300 --max-usd 0.50
  ./plot dev                                       the whole stack until Ctrl-C
  ./plot watch job_01K…                            goes on with a job that was stopped
  ./plot raise-budget job_01K… --max-usd 1.00      goes on with one that is out of money
  ./plot verify out/film-blurbs                    recomputes counts, costs and digests
`;

const exitCodesText = `
Exit codes: 0 done, 1 error, 2 usage or cancelled, 3 done with failed records, 4 not allowed,
  5 stopped for money, 6 verification failed, 7 no server.
Environment: PLOT_HOME (default .plot), PLOT_API_URL (an API elsewhere), PLOT_PORT, TEMPORAL_ADDRESS.`;

function version(): string {
  const found = /"version":\s*"([^"]+)"/.exec(readFileSync(projectFile('package.json'), 'utf8'));
  return found?.[1] ?? 'unknown';
}

function providerOption(): Option {
  return new Option(
    '--provider <name>',
    'who answers (default: PLOT_PROVIDER, else simulator)',
  ).choices(['bedrock', 'simulator']);
}

function workersChoice(): Option {
  return new Option('--workers <n>', 'worker processes of a stack that is brought up')
    .argParser(workersOption)
    .default(1);
}

function addRun(program: Command, { run }: ProgramPorts): void {
  program
    .command('run')
    .summary('create a job and follow it to its files')
    .description(
      'Creates a job and follows it to its end; files go to --out. Uses a running stack, or brings one up for the job.',
    )
    .argument('<template>', 'the template, a YAML or JSON file')
    .requiredOption('--seeds <file>', 'seed rows: JSON, JSON Lines or CSV')
    .requiredOption('--records <n>', 'how many records are wanted', recordsOption)
    .requiredOption('--max-usd <amount>', 'the limit: never more is spent', moneyOption)
    .option('--model <id>', "replaces the template's models; `plot models` lists them")
    .option('--seed <n>', 'decides the order of seed rows and what templates draw', seedOption, 42)
    .option('--concurrency <n>', 'calls in flight', concurrencyOption, 64)
    .addOption(workersChoice())
    .option('--out <dir>', 'where the dataset is put (default: out/<template name>)')
    .addOption(
      new Option('--undefined <how>', 'a variable that a seed row lacks')
        .choices(['error', 'empty'])
        .default('error'),
    )
    .addOption(providerOption())
    .option('--yes', 'do not ask')
    .addHelpText(
      'before',
      `Examples:
  ./plot run examples/film-blurbs.yaml --seeds movies.json --records 300 --max-usd 0.50
  ./plot run story.yaml --seeds rows.csv --records 1000 --max-usd 5 --provider bedrock --out out/story
  ./plot run story.yaml --seeds rows.csv --records 1000 --max-usd 5 --json | tail -n 1 | jq .cost
`,
    )
    .action((template: string, options: RunOptions) =>
      run(async (context) => {
        const { run: runJob } = await import('./commands/run.ts');
        return runJob(template, options, context);
      }),
    );
}

function addStack(program: Command, { run }: ProgramPorts): void {
  program
    .command('dev')
    .summary('run the whole stack until Ctrl-C')
    .description(
      'Runs Temporal, the API, workers and the simulator; each is started again when it ends.',
    )
    .addOption(workersChoice())
    .addOption(providerOption())
    .addHelpText('before', 'Examples:\n  ./plot dev\n  ./plot dev --workers 2 --provider bedrock\n')
    .action((options: DevOptions) =>
      run(async (context) => (await import('./commands/dev.ts')).dev(options, context)),
    );
  program
    .command('doctor')
    .summary('check what is needed, and say how to mend it')
    .addOption(providerOption())
    .addHelpText('before', 'Examples:\n  ./plot doctor\n  ./plot doctor --provider bedrock\n')
    .action((options: Pick<DevOptions, 'provider'>) =>
      run(async (context) => (await import('./commands/doctor.ts')).doctor(options, context)),
    );
}

function addLooks(program: Command, { run }: ProgramPorts): void {
  program
    .command('jobs')
    .summary('list jobs, newest first')
    .option('--limit <n>', 'how many', listOption, 20)
    .addHelpText('before', 'Examples:\n  ./plot jobs\n  ./plot jobs --json | jq .jobs[0].id\n')
    .action((options: { readonly limit: number }) =>
      run(async (context) => (await import('./commands/look.ts')).listJobs(options, context)),
    );
  program
    .command('show')
    .summary('show a job: state, counts, money, links')
    .argument('<job>', 'its id, such as job_01K…')
    .addHelpText('before', 'Examples:\n  ./plot show job_01K…\n')
    .action((id: string) =>
      run(async (context) => (await import('./commands/look.ts')).showJob(id, context)),
    );
  program
    .command('models')
    .summary('list models with their prices')
    .addHelpText('before', 'Examples:\n  ./plot models\n')
    .action(() => run(async (context) => (await import('./commands/look.ts')).listModels(context)));
}

function addControls(program: Command, ports: ProgramPorts): void {
  const { run } = ports;
  for (const [verb, summary] of [
    ['pause', 'stop sending; answers on the way are kept'],
    ['cancel', 'end a job; what is finished is exported'],
  ] as const) {
    program
      .command(verb)
      .summary(summary)
      .argument('<job>', 'its id, such as job_01K…')
      .addHelpText('before', `Examples:\n  ./plot ${verb} job_01K…\n`)
      .action((id: string) =>
        run(async (context) => (await import('./commands/control.ts')).control(verb, id, context)),
      );
  }
  const watching = (name: string, summary: string, example: string) =>
    program
      .command(name)
      .summary(summary)
      .argument('<job>', 'its id, such as job_01K…')
      .option('--out <dir>', 'where the dataset is put (default: out/<template name>)')
      .addOption(workersChoice())
      .addHelpText('before', `Examples:\n  ./plot ${example}\n`);
  watching(
    'watch',
    'follow a job to its files; one that was stopped goes on',
    'watch job_01K…',
  ).action((id: string, options: WatchOptions) =>
    run(async (context) => (await import('./commands/watch.ts')).watch(id, options, context)),
  );
  watching('resume', 'go on with a paused job and follow it', 'resume job_01K…')
    .option('--no-wait', 'return at once')
    .action((id: string, options: WatchOptions) =>
      run(async (context) => (await import('./commands/watch.ts')).resume(id, options, context)),
    );
  watching(
    'raise-budget',
    "set a job's limit and follow it",
    'raise-budget job_01K… --max-usd 1.00',
  )
    .requiredOption('--max-usd <amount>', 'the new limit, all in all', moneyOption)
    .option('--no-wait', 'return at once')
    .action((id: string, options: RaiseOptions) =>
      run(async (context) =>
        (await import('./commands/watch.ts')).raiseBudget(id, options, context),
      ),
    );
}

function addVerify(program: Command, { run }: ProgramPorts): void {
  program
    .command('verify')
    .summary("recompute a dataset's counts, costs and digests")
    .argument('<dir>', 'the folder that `plot run` wrote')
    .addHelpText('before', 'Examples:\n  ./plot verify out/film-blurbs\n')
    .action((folder: string) =>
      run(async (context) => (await import('./commands/verify.ts')).verify(folder, context)),
    );
}

function addReconcile(program: Command, { run }: ProgramPorts): void {
  program
    .command('reconcile')
    .summary("settle a job's unknown money by the provider's log")
    .description(
      'Calls that the log shows are billed; money for calls that it lacks comes back once it is complete. Safe to repeat.',
    )
    .argument('<job>', 'its id, such as job_01K…')
    .option(
      '--log <path>',
      'model invocation log: a file or a folder (default: the configured one)',
    )
    .option(
      '--complete-until <time>',
      'by your word: the log has every call until then',
      timeOption,
    )
    .addHelpText(
      'before',
      `Examples:
  ./plot reconcile job_01K…                                  the simulator's log
  ./plot reconcile job_01K… --log AWSLogs/ --complete-until 2026-01-31T12:00:00Z
`,
    )
    .action((id: string, options: ReconcileOptions) =>
      run(async (context) =>
        (await import('./commands/reconcile.ts')).reconcile(id, options, context),
      ),
    );
  program
    .command('replay')
    .summary("make a job's dataset again from its journal, without a call, and compare")
    .argument('<job>', 'its id, such as job_01K…')
    .option('--out <dir>', 'keep the files here')
    .addHelpText('before', 'Examples:\n  ./plot replay job_01K…\n')
    .action((id: string, options: ReplayOptions) =>
      run(async (context) => (await import('./commands/replay.ts')).replay(id, options, context)),
    );
}

import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { newQuickJSWASMModule, type QuickJSContext, type QuickJSHandle } from 'quickjs-emscripten';

/**
 * One JavaScript engine compiled to WebAssembly, with the template engine in it and nothing of the host: no
 * function, no object, no import once it has started. What a call can use is bounded in work, memory and stack.
 */
export interface Engine {
  call(name: EngineFunction, ...args: string[]): Promise<EngineAnswer>;
}

export type EngineFunction = 'render' | 'define' | 'analyse';

export type EngineAnswer =
  | { readonly kind: 'returned'; readonly text: string }
  /** `exhausted`: too much work, memory or stack. `broken`: our own code failed. */
  | { readonly kind: 'exhausted' | 'broken'; readonly detail: string };

/** Enough for thousands of compiled templates and any row; a bomb meets it in a few hundred milliseconds. */
const memoryBytes = 64 * 1024 ** 2;
/** At 512 KiB deep recursion overflows WebAssembly's own stack and throws into the host; at half of it never. */
const stackBytes = 256 * 1024;
/**
 * The engine asks after every 10,000 jumps and calls. Work is counted, not time: by the clock, a busy machine would
 * fail records that an idle one renders. This many take about half a second.
 */
const checksMax = 250;
/** Where counting fails, such as one huge built-in operation between two checks. */
const wallClockMs = 5_000;

export async function openEngine(): Promise<Engine> {
  const sources = readSources();
  let sandbox = await openSandbox(sources);
  return {
    async call(name, ...args) {
      const answer = callSandbox(sandbox, name, args);
      // Dropped, not disposed: after running out, its bookkeeping may be broken. The collector takes it whole.
      if (answer.kind !== 'returned') sandbox = await openSandbox(sources);
      return answer;
    },
  };
}

interface Sandbox {
  readonly context: QuickJSContext;
  readonly limit: { checks: number; deadline: number };
  readonly functions: Record<EngineFunction, QuickJSHandle>;
}

async function openSandbox(sources: ReadonlyMap<string, string>): Promise<Sandbox> {
  const wasm = await newQuickJSWASMModule();
  const runtime = wasm.newRuntime();
  runtime.setMemoryLimit(memoryBytes);
  runtime.setMaxStackSize(stackBytes);
  const limit = { checks: Number.POSITIVE_INFINITY, deadline: Number.POSITIVE_INFINITY };
  runtime.setInterruptHandler(() => {
    limit.checks -= 1;
    return limit.checks < 0 || performance.now() > limit.deadline;
  });
  runtime.setModuleLoader(
    (name) => sources.get(name) ?? { error: new Error(`no module ${name} in the sandbox`) },
    (base, request) => resolveModule(base, request),
  );
  const context = runtime.newContext();
  const loaded = context.evalCode(`import '${entry}';`, 'start.js', { type: 'module' });
  context.unwrapResult(loaded).dispose();
  const pending = runtime.executePendingJobs();
  if (pending.error)
    throw new Error(`the template engine does not start: ${String(context.dump(pending.error))}`);
  runtime.removeModuleLoader();
  const global = (name: EngineFunction) => context.getProp(context.global, name);
  const functions = {
    render: global('render'),
    define: global('define'),
    analyse: global('analyse'),
  };
  return { context, limit, functions };
}

function callSandbox(
  { context, limit, functions }: Sandbox,
  name: EngineFunction,
  args: readonly string[],
): EngineAnswer {
  limit.checks = checksMax;
  limit.deadline = performance.now() + wallClockMs;
  try {
    const handles = args.map((arg) => context.newString(arg));
    const result = context.callFunction(functions[name], context.undefined, ...handles);
    for (const handle of handles) handle.dispose();
    if (result.error) return exhaustedOrBroken(context.dump(result.error));
    const text = context.getString(result.value);
    result.value.dispose();
    return { kind: 'returned', text };
  } catch (error) {
    // WebAssembly itself gave up (its stack, its memory): the caller opens a new sandbox.
    return { kind: 'exhausted', detail: error instanceof Error ? error.message : String(error) };
  }
}

function exhaustedOrBroken(error: unknown): EngineAnswer {
  const detail =
    typeof error === 'object' && error !== null && 'message' in error
      ? String(error.message)
      : String(error);
  const isLimit =
    /interrupted|stack overflow|out of memory|string too long|invalid array length|too many arguments/i.test(
      detail,
    );
  return { kind: isLimit || error === null ? 'exhausted' : 'broken', detail };
}

const entry = 'prompts/jinja/sandbox-entry.ts';

/** The engine's own modules: these files and no others can ever be imported in there. */
const moduleNames = [
  entry,
  ...[
    'analysis',
    'analysis-state',
    'call-arguments',
    'code-points',
    'collection-methods',
    'compile-expression',
    'compile-template',
    'engine',
    'expression-parser',
    'filters',
    'formatting',
    'functions',
    'json-text',
    'lexer',
    'list-filters',
    'members',
    'method',
    'methods',
    'numbers',
    'operators',
    'parser',
    'path-analysis',
    'printing',
    'run',
    'syntax',
    'tests',
    'text-filters',
    'text-methods',
    'tokens',
    'values',
    'vocabulary',
  ].map((name) => `prompts/jinja/${name}.ts`),
  ...['nearest-name', 'prng', 'text-functions'].map((name) => `domain/${name}.ts`),
];

function readSources(): Map<string, string> {
  const root = new URL('../', import.meta.url);
  return new Map(
    moduleNames.map((name) => [
      name,
      stripTypeScriptTypes(readFileSync(new URL(name, root), 'utf8')),
    ]),
  );
}

function resolveModule(base: string, request: string): string {
  if (request.startsWith('#')) return request.slice(1);
  if (request.startsWith('./')) return base.slice(0, base.lastIndexOf('/') + 1) + request.slice(2);
  return request;
}

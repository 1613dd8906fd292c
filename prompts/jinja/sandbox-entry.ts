import {
  analyseText,
  compileOrFail,
  type compileStep,
  type RenderInput,
  type StepTexts,
  type TextName,
} from './engine.ts';

/**
 * What runs inside the sandbox. Texts go in and come out as JSON; there is nothing else to call. Time and
 * chance are taken away first, so that no rendering can depend on them.
 */

/** Compiled steps kept: a process renders few templates at a time, and each compiles in about a millisecond. */
const compiledMax = 64;
const compiled = new Map<string, ReturnType<typeof compileStep>>();

Reflect.deleteProperty(globalThis, 'Date');
Reflect.deleteProperty(Math, 'random');

interface RenderCall extends RenderInput {
  readonly key: string;
}

/** "unknown-step" if the step was not defined or has been forgotten: the host defines it and asks again. */
function render(json: string): string {
  const call: RenderCall = JSON.parse(json);
  const step = compiled.get(call.key);
  if (step === undefined) return 'unknown-step';
  compiled.delete(call.key);
  compiled.set(call.key, step);
  return JSON.stringify(step(call));
}

/** "defined", or the result that every rendering of this step has: it cannot be compiled. */
function define(key: string, json: string): string {
  const texts: StepTexts = JSON.parse(json);
  const [oldest] = compiled.keys();
  if (compiled.size >= compiledMax && oldest !== undefined) compiled.delete(oldest);
  const step = compileOrFail(texts);
  if (typeof step !== 'function') return JSON.stringify(step);
  compiled.set(key, step);
  return 'defined';
}

function analyse(name: TextName, text: string): string {
  return JSON.stringify(analyseText(name, text));
}

Object.assign(globalThis, { render, define, analyse });

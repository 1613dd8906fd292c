import type { Failure } from '#domain/failure.ts';
import type { JsonObject } from '#domain/json.ts';
import type { StepNode, Template, UndefinedMode, Variable } from '#domain/template.ts';

/** One thing wrong with a template, at its place. */
export interface TemplateProblem {
  /** JSON pointer into the template document, for instance `/steps/1/prompt`. */
  readonly pointer: string;
  /** Line inside the step's text, 1-based; null where the problem is not in a text. */
  readonly line: number | null;
  /** What was wrong, the value seen, what is allowed, what to do. */
  readonly detail: string;
}

export type TemplateCheck =
  | {
      readonly kind: 'valid';
      readonly template: Template;
      readonly graph: readonly StepNode[];
      readonly variables: readonly Variable[];
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly TemplateProblem[] };

export interface RenderRequest {
  /** Identifies the template's content: compiled once per digest. */
  readonly templateSha256: string;
  readonly template: Template;
  readonly step: string;
  readonly row: JsonObject;
  /** Texts of the finished steps by id; a skipped step is absent. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Seeds everything random in this rendering, with the step's id. */
  readonly jobSeed: number;
  readonly recordIndex: number;
  readonly undefinedMode: UndefinedMode;
}

export type RenderOutcome =
  | { readonly kind: 'rendered'; readonly prompt: string; readonly system: string | null }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Templates are data: both run in a sandbox without host functions, bounded in time, memory and stack. */
export interface Prompts {
  /** Parses and validates a template document (YAML or JSON text). Never throws on bad input. */
  check(document: string): Promise<TemplateCheck>;
  /** Renders one step's texts for one record. Never throws on what a template does. */
  render(request: RenderRequest): Promise<RenderOutcome>;
  close(): Promise<void>;
}

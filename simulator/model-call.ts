/** One request to a model in one shape, whichever operation and body it came in. */
export interface ModelCall {
  readonly operation: 'Converse' | 'ConverseStream' | 'InvokeModel';
  /** As in the path: a model id, a profile id or an ARN. */
  readonly model: string;
  readonly system: string;
  /** Every turn's text in order: what is counted and what the answer follows from. */
  readonly conversation: string;
  /** The last user turn: what the answer speaks about. */
  readonly prompt: string;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly hasTopK: boolean;
  readonly stop: readonly string[];
  readonly wanted: Wanted;
  readonly hasTextFormat: boolean;
  readonly hasStrictTool: boolean;
  /** Size of tool definitions and schemas, which are input too. */
  readonly definitionBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export type Wanted =
  | { readonly kind: 'text' }
  | { readonly kind: 'json'; readonly schema: unknown }
  | { readonly kind: 'tool'; readonly name: string; readonly schema: unknown };

import { nearestName } from '#domain/nearest-name.ts';
import type { Step, Template, Tier } from '#domain/template.ts';
import { z } from 'zod';
import type { TemplateProblem } from './contract.ts';
import { readYaml } from './read-yaml.ts';
import {
  documentBytesMax,
  maxTokensDefault,
  maxTokensMax,
  stepsMax,
  stopBytesMax,
  problemsMax,
  stopsMax,
  textBytesMax,
} from './template-limits.ts';

/** A template document read into the engine's form, its texts not yet looked into; or all that is wrong with it. */
export type ReadTemplate =
  | { readonly kind: 'read'; readonly template: Template }
  | { readonly kind: 'invalid'; readonly problems: readonly TemplateProblem[] };

/** Reads YAML or JSON text with the top key `template`. Never throws on bad input. */
export async function readTemplate(document: string): Promise<ReadTemplate> {
  const bytes = Buffer.byteLength(document);
  if (bytes > documentBytesMax) {
    return invalid(`the document has ${bytes} bytes; allowed are ${documentBytesMax}`);
  }
  const parsed = await readYaml(document);
  if (parsed.kind === 'unreadable') return invalid(`not readable as YAML: ${parsed.detail}`);
  const result = documentSchema.safeParse(parsed.value);
  if (!result.success) {
    const problems = problemsOf(result.error, parsed.value).slice(0, problemsMax);
    return { kind: 'invalid', problems };
  }
  const template = templateOf(result.data.template);
  const problems = duplicateIds(template.steps);
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'read', template };
}

function invalid(detail: string): ReadTemplate & { kind: 'invalid' } {
  return { kind: 'invalid', problems: [{ pointer: '', line: null, detail }] };
}

const tiers: Record<string, Tier> = {
  'tier-1': 'cheap',
  'tier-2': 'balanced',
  'tier-3': 'premium',
  cheap: 'cheap',
  balanced: 'balanced',
  premium: 'premium',
};

const text = z
  .string({ error: (issue) => `must be text, not ${kindOf(issue.input)}` })
  .refine((value) => Buffer.byteLength(value) <= textBytesMax, {
    error: (issue) =>
      `has ${Buffer.byteLength(String(issue.input))} bytes; allowed are ${textBytesMax}`,
  });
const prompt = text.refine((value) => value.trim() !== '', {
  error: 'is empty; write what the model is asked',
});
const fraction = z
  .number({ error: (issue) => `must be a number from 0 to 1, not ${kindOf(issue.input)}` })
  .refine((value) => value >= 0 && value <= 1, {
    error: (issue) => `is ${String(issue.input)}; allowed are 0 to 1`,
  });

const stepFields = {
  id: z
    .string({ error: (issue) => `must be text, not ${kindOf(issue.input)}` })
    .regex(/^[A-Za-z0-9_]{1,64}$/, {
      error: (issue) => `is "${shortened(issue.input)}"; allowed are 1 to 64 letters, digits and _`,
    }),
  model: z
    .string({ error: (issue) => `must be a model id, not ${kindOf(issue.input)}` })
    .min(1, { error: 'is empty; leave it out to choose by tier' })
    .max(2048, { error: 'is longer than the 2048 characters of an ARN' })
    .refine((value) => value !== 'none', {
      error:
        'is "none": fragments for includes are not supported; copy the text into the step that needs it',
    })
    .nullish(),
  model_tier: z
    .string({ error: (issue) => `must be text, not ${kindOf(issue.input)}` })
    .refine((value) => Object.hasOwn(tiers, value), {
      error: (issue) =>
        `is "${shortened(issue.input)}"; allowed are ${Object.keys(tiers).join(', ')}`,
    })
    .nullish(),
  prompt,
  system: text.nullish(),
  when: text
    .refine((value) => value.trim() !== '', {
      error: 'is empty; leave it out to run the step always',
    })
    .nullish(),
  max_tokens: z
    .number({ error: (issue) => `must be a whole number, not ${kindOf(issue.input)}` })
    .refine((value) => Number.isInteger(value) && value >= 1 && value <= maxTokensMax, {
      error: (issue) =>
        `is ${String(issue.input)}; allowed are whole numbers from 1 to ${maxTokensMax}`,
    })
    .nullish(),
  temperature: fraction.nullish(),
  top_p: fraction.nullish(),
  stop: z
    .array(
      z
        .string({ error: (issue) => `must be text, not ${kindOf(issue.input)}` })
        .min(1, { error: 'is empty' })
        .refine((value) => Buffer.byteLength(value) <= stopBytesMax, {
          error: `is longer than the ${stopBytesMax} bytes allowed`,
        }),
      { error: (issue) => `must be a list of texts, not ${kindOf(issue.input)}` },
    )
    .max(stopsMax, {
      error: (issue) => `has ${lengthOf(issue.input)} entries; allowed are ${stopsMax}`,
    })
    .nullish(),
};

const stepSchema = z.strictObject(stepFields, {
  error: (issue) => mappingNeeded(issue, 'a mapping with id and prompt'),
});

const templateFields = {
  name: z
    .string({ error: (issue) => `must be text, not ${kindOf(issue.input)}` })
    .refine((value) => value.trim().length >= 1 && value.length <= 200, {
      error: (issue) => `has ${lengthOf(issue.input)} characters; allowed are 1 to 200`,
    }),
  description: z
    .string({ error: (issue) => `must be text, not ${kindOf(issue.input)}` })
    .max(10_000, { error: 'is longer than the 10,000 characters allowed' })
    .nullish(),
  category: z
    .string({ error: (issue) => `must be text, not ${kindOf(issue.input)}` })
    .max(200, { error: 'is longer than the 200 characters allowed' })
    .nullish(),
  steps: z
    .array(stepSchema, { error: (issue) => `must be a list of steps, not ${kindOf(issue.input)}` })
    .min(1, { error: 'is empty; a template has at least one step' })
    .max(stepsMax, {
      error: (issue) => `has ${lengthOf(issue.input)} entries; allowed are ${stepsMax}`,
    }),
  // Written by exports and by older templates; what they say is decided elsewhere.
  id: z.unknown().optional(),
  version: z.unknown().optional(),
  is_public: z.unknown().optional(),
  schema_requirements: z.unknown().optional(),
};

const templateSchema = z.strictObject(templateFields, {
  error: (issue) => mappingNeeded(issue, 'a mapping with name and steps'),
});

const documentSchema = z.strictObject(
  { template: templateSchema },
  { error: (issue) => mappingNeeded(issue, 'a mapping with the key "template"') },
);

function mappingNeeded(
  issue: { code?: string; input?: unknown },
  what: string,
): string | undefined {
  return issue.code === 'invalid_type' ? `must be ${what}, not ${kindOf(issue.input)}` : undefined;
}

const topKeys = ['template'];

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return topKeys;
  return Object.keys(path.length === 1 ? templateFields : stepFields);
}

function problemsOf(error: z.ZodError, document: unknown): TemplateProblem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys
        .slice(0, problemsMax)
        .map((key) => problemAt([...issue.path, key], unknownField(key, issue.path)));
    }
    const isMissing = issue.code === 'invalid_type' && valueAt(document, issue.path) === undefined;
    const field = String(issue.path[issue.path.length - 1] ?? 'the document');
    return [
      problemAt(issue.path, isMissing ? `"${field}" is missing` : `"${field}" ${issue.message}`),
    ];
  });
}

/** Pointers are into the template, below its top key: `/steps/1/prompt`. */
function problemAt(path: readonly PropertyKey[], detail: string): TemplateProblem {
  const inside = path[0] === 'template' ? path.slice(1) : path;
  const escaped = inside.map(
    (part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`,
  );
  return { pointer: escaped.join(''), line: null, detail };
}

function unknownField(key: string, path: readonly PropertyKey[]): string {
  const known = knownKeys(path);
  const nearest = nearestName(key, known);
  const advice = nearest === null ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`;
  return `unknown field "${shortened(key)}"; ${advice}`;
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.entries(value).find(([name]) => name === String(key))?.[1];
  }, document);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return `${typeof value === 'string' ? 'text' : typeof value} (${shortened(value)})`;
}

function shortened(value: unknown): string {
  const whole = String(value);
  return whole.length > 40 ? `${whole.slice(0, 40)}…` : whole;
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0;
}

function templateOf(data: z.infer<typeof templateSchema>): Template {
  return {
    name: data.name,
    description: data.description ?? '',
    category: data.category ?? 'general',
    steps: data.steps.map(stepOf),
  };
}

function stepOf(data: z.infer<typeof stepSchema>): Step {
  return {
    id: data.id,
    model: data.model ?? null,
    tier: tiers[data.model_tier ?? 'cheap'] ?? 'cheap',
    prompt: data.prompt,
    system: data.system ?? null,
    when: data.when ?? null,
    maxTokens: data.max_tokens ?? maxTokensDefault,
    temperature: data.temperature ?? null,
    topP: data.top_p ?? null,
    stop: data.stop ?? [],
  };
}

function duplicateIds(steps: readonly Step[]): TemplateProblem[] {
  return steps.flatMap((step, index) => {
    const first = steps.findIndex(({ id }) => id === step.id);
    if (first === index) return [];
    return [
      {
        pointer: `/steps/${index}/id`,
        line: null,
        detail: `"id" is "${step.id}", as in step ${first + 1}; ids are unique`,
      },
    ];
  });
}

import type { Random } from './random.ts';
import { between, pick } from './random.ts';
import { phraseAbout, textAbout } from './text.ts';
import { validationError } from './wire-error.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Deeper than any schema the service compiles: what is below is left out where it may be, or null. */
const depthMax = 16;

/**
 * A JSON value that the schema accepts, about what the prompt names. Understands what structured output
 * supports: types, enum, const, anyOf/oneOf/allOf, internal `$ref`, required properties, bounds, formats.
 */
export function valueFor(schema: unknown, prompt: string, random: Random): unknown {
  return createWriter(schema, prompt, random)(schema, 0);
}

function createWriter(root: unknown, prompt: string, random: Random) {
  function write(given: unknown, depth: number): unknown {
    const schema = resolved(given, root);
    if ('const' in schema) return schema['const'];
    if (Array.isArray(schema['enum'])) return pick(random, schema['enum']);
    const options = schema['anyOf'] ?? schema['oneOf'];
    if (Array.isArray(options)) return write(chooseOption(options, depth), depth + 1);
    switch (typeOf(schema)) {
      case 'object':
        return writeObject(schema, depth);
      case 'array':
        return writeArray(schema, depth);
      case 'integer':
        return numberFor(schema, true, random);
      case 'number':
        return numberFor(schema, false, random);
      case 'boolean':
        return random() < 0.5;
      case 'null':
        return null;
      default:
        return stringFor(schema, prompt, random);
    }
  }

  function chooseOption(options: readonly unknown[], depth: number): unknown {
    // A recursive schema ends by its simplest option, which by custom is the last one or null.
    if (depth < depthMax / 2) return pick(random, options);
    return options.find((option) => typeOf(resolved(option, root)) === 'null') ?? options.at(-1);
  }

  function writeObject(schema: Schema, depth: number): Record<string, unknown> {
    const required = Array.isArray(schema['required']) ? schema['required'] : [];
    const written: Record<string, unknown> = {};
    for (const [name, property] of Object.entries(asSchema(schema['properties']))) {
      if (depth < depthMax || required.includes(name)) written[name] = write(property, depth + 1);
    }
    return written;
  }

  function writeArray(schema: Schema, depth: number): unknown[] {
    const least = numberOf(schema['minItems']) ?? 0;
    const most = numberOf(schema['maxItems']) ?? Math.max(least, 3);
    const wanted =
      depth < depthMax ? between(random, Math.max(least, Math.min(1, most)), most) : least;
    return Array.from({ length: Math.min(wanted, least + 3) }, () =>
      write(schema['items'] ?? { type: 'string' }, depth + 1),
    );
  }

  return write;
}

function numberFor(schema: Schema, isWhole: boolean, random: Random): number {
  const step = numberOf(schema['multipleOf']) ?? (isWhole ? 1 : 0.01);
  const above = numberOf(schema['exclusiveMinimum']);
  const below = numberOf(schema['exclusiveMaximum']);
  const least = above === null ? (numberOf(schema['minimum']) ?? 1) : above + step;
  const most = below === null ? (numberOf(schema['maximum']) ?? Math.max(least, 10)) : below - step;
  const first = Math.ceil(least / step - 1e-9);
  const chosen = between(random, first, Math.max(first, Math.floor(most / step + 1e-9)));
  return Number((chosen * step).toFixed(6));
}

function stringFor(schema: Schema, prompt: string, random: Random): string {
  const formatted = formats[String(schema['format'])]?.(random);
  if (formatted !== undefined) return formatted;
  const least = numberOf(schema['minLength']) ?? 0;
  const most = numberOf(schema['maxLength']) ?? Number.POSITIVE_INFINITY;
  let text = random() < 0.5 ? phraseAbout(prompt, random) : textAbout(prompt, random);
  while (text.length < least) text += ` ${textAbout(prompt, random)}`;
  return text.length > most ? text.slice(0, most) : text;
}

function resolved(given: unknown, root: unknown): Schema {
  let schema = asSchema(given);
  for (let hops = 0; typeof schema['$ref'] === 'string'; hops += 1) {
    if (hops > depthMax) throw validationError('The JSON schema has a $ref that refers to itself.');
    schema = asSchema(lookUp(schema['$ref'], root));
  }
  if (!Array.isArray(schema['allOf'])) return schema;
  return schema['allOf'].reduce<Schema>(
    (merged, part) => merge(merged, resolved(part, root)),
    schema,
  );
}

function merge(left: Schema, right: Schema): Schema {
  const properties = { ...asSchema(left['properties']), ...asSchema(right['properties']) };
  return { ...left, ...right, properties };
}

function lookUp(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#')) {
    throw validationError(
      `The JSON schema refers to '${reference}'. Only internal $ref are supported.`,
    );
  }
  const steps = reference
    .slice(1)
    .split('/')
    .filter((step) => step !== '');
  return steps.reduce<unknown>(
    (at, step) =>
      asSchema(at)[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')],
    root,
  );
}

function typeOf(schema: Schema): string {
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  if (typeof type === 'string') return type;
  if (schema['properties'] !== undefined) return 'object';
  return schema['items'] === undefined ? 'string' : 'array';
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

const formats: Readonly<Record<string, (random: Random) => string>> = {
  date: (random) => dayFrom(random),
  'date-time': (random) => `${dayFrom(random)}T12:00:00Z`,
  time: () => '12:00:00Z',
  email: (random) => `reader${between(random, 1, 999)}@example.com`,
  uri: (random) => `https://example.com/${between(random, 1, 999)}`,
  uuid: (random) =>
    `00000000-0000-4000-8000-${String(between(random, 0, 999_999_999)).padStart(12, '0')}`,
};

function dayFrom(random: Random): string {
  return new Date(Date.UTC(2020, 0, between(random, 1, 2_000))).toISOString().slice(0, 10);
}

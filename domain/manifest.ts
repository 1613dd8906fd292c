/** What is delivered, and what was counted and paid for it: written last, checked by `plot verify`. */
import type { Json, JsonObject } from './json.ts';
import type { Provider } from './job.ts';
import type { UsdText } from './money.ts';

export interface ManifestFile {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  readonly sha256: string;
  /** Record indexes of the first and last row; null in an empty file. */
  readonly first_index: number | null;
  readonly last_index: number | null;
}

export interface Manifest {
  readonly schema_version: 1;
  readonly job_id: string;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'budget_exhausted';
  readonly created_at: string;
  readonly generator: { readonly name: string; readonly version: string };
  readonly provider: Provider;
  readonly template: { readonly id: string; readonly name: string; readonly sha256: string };
  readonly seeds: { readonly id: string; readonly sha256: string; readonly rows: number };
  readonly job_seed: number;
  readonly spec_sha256: string;
  readonly models: Readonly<Record<string, string>>;
  readonly price_table_version: string;
  /** requested = accepted + rejected + failed + not_started. */
  readonly records: {
    readonly requested: number;
    readonly accepted: number;
    readonly rejected: number;
    readonly failed: number;
    readonly not_started: number;
  };
  /** Paid answers in provenance.jsonl. */
  readonly calls: number;
  /** limit = available + held + unknown + spent, and spent = in_records + not_used. */
  readonly cost: {
    readonly currency: 'USD';
    readonly limit: UsdText;
    readonly spent: UsdText;
    readonly held: UsdText;
    readonly unknown: UsdText;
    readonly available: UsdText;
    /** Cost of the calls in provenance.jsonl. */
    readonly in_records: UsdText;
    /** Paid answers that no record here uses: of attempts that overlapped, and of unfinished records. */
    readonly not_used: UsdText;
  };
  readonly files: readonly ManifestFile[];
  /** SHA-256 of the canonical JSON of all the above. */
  readonly manifest_sha256: string;
}

export const exportFiles = ['records.jsonl', 'provenance.jsonl', 'failures.jsonl'] as const;

/** JSON with sorted keys and no white space: the same value always gives the same text. */
export function canonicalJson(value: Json): string {
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${membersOf(value).join(',')}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function membersOf(value: JsonObject): string[] {
  return Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
}

/**
 * What a run came to, module by module, in a form small enough to commit: docs/parity.json. The next run is compared with
 * it, and it is what `git diff` shows of a change.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** What compare.mjs scores. */
export const FIELDS = ['load', 'list', 'log', 'remove'] as const;
export type Field = (typeof FIELDS)[number];

/** A report of `modbox run --json`, as far as it is looked at here. */
export interface Entry {
  readonly module: string;
  readonly unimplemented?: readonly { readonly symbol: string }[];
  readonly faults?: readonly { readonly kind: string }[];
  readonly wallMs?: { readonly boot: number; readonly load: number; readonly remove: number };
  /** modbox failed, or was stopped. */
  readonly error?: string;
}

/** A module that is not as it should be; the others of a run are. */
export interface Outcome {
  /** Fields in which it differs from the recording. */
  readonly differs?: readonly Field[];
  /** The export that it stopped at, or the kind of fault. */
  readonly stops?: string;
}

export type Outcomes = Readonly<Record<string, Outcome>>;

export interface Baseline {
  /** Modules that there are recordings of. */
  readonly recorded: Outcomes;
  /** The others: what stops them is known only when all modules were run. */
  readonly others?: Outcomes;
}

/** What compare.mjs says of a module that differs. */
export type Scored = { readonly module: string } & Readonly<Record<Field, boolean>>;

/** The export that a module stopped at first, or what else went wrong first; undefined if nothing did. */
export function stopOf(entry: Entry): string | undefined {
  if (entry.error !== undefined) return `modbox failed: ${entry.error.split('\n')[0]}`;
  const missing = entry.unimplemented?.[0]?.symbol;
  return missing ?? entry.faults?.[0]?.kind;
}

/** Outcomes of the modules of a run that are not right, in the order of their names. */
export function outcomesOf(entries: readonly Entry[], wrong: readonly Scored[]): Outcomes {
  const differs = new Map(wrong.map((scored) => [scored.module, FIELDS.filter((field) => !scored[field])]));
  const found = entries.map((entry): [string, Outcome] => {
    const fields = differs.get(entry.module);
    const stops = stopOf(entry);
    return [entry.module, { ...(fields && { differs: fields }), ...(stops !== undefined && { stops }) }];
  });
  const missing = [...differs].filter(([module]) => !entries.some((entry) => entry.module === module));
  const all = [
    ...found,
    ...missing.map(([module, fields]): [string, Outcome] => [module, { differs: fields }]),
  ];
  return Object.fromEntries(
    all.filter(([, outcome]) => Object.keys(outcome).length > 0).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

export function readBaseline(file: URL): Baseline | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Baseline) : undefined;
}

/** One module a line, so that a change of one is a change of one line. */
export function writeBaseline(file: URL, { recorded, others }: Baseline): void {
  const block = (outcomes: Outcomes): string =>
    Object.entries(outcomes)
      .map(([module, outcome]) => `    ${JSON.stringify(module)}: ${JSON.stringify(outcome)}`)
      .join(',\n');
  const parts = [`  "recorded": {\n${block(recorded)}\n  }`];
  if (others) parts.push(`  "others": {\n${block(others)}\n  }`);
  writeFileSync(file, `{\n${parts.join(',\n')}\n}\n`);
}

export interface Change {
  /** A field of the score, or `stops`: whether something stops the module at all. */
  readonly field: Field | 'stops';
  readonly better: readonly string[];
  readonly worse: readonly string[];
}

/** What became right or wrong between two runs, of the modules that are in both. */
export function changes(before: Outcomes, after: Outcomes, modules: Iterable<string>): Change[] {
  const names = [...modules];
  const wrong = (outcome: Outcome | undefined, field: Change['field']): boolean =>
    field === 'stops' ? outcome?.stops !== undefined : (outcome?.differs?.includes(field) ?? false);
  return [...FIELDS, 'stops' as const].map((field) => ({
    field,
    better: names.filter((name) => wrong(before[name], field) && !wrong(after[name], field)),
    worse: names.filter((name) => !wrong(before[name], field) && wrong(after[name], field)),
  }));
}

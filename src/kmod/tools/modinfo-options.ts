import type { View } from '../modinfo/more.js';
import { getopt, type OptionTable } from './getopt.js';

/** What modinfo is to do, from its command line. */
export interface ModinfoRequest {
  readonly kind: 'show';
  readonly operands: readonly string[];
  /** Only this field's values. */
  readonly field: string | undefined;
  readonly separator: '\n' | '\0';
  /** -m: operands are names of modules, neither files nor aliases. */
  readonly onlyNames: boolean;
  readonly release: string | undefined;
  readonly root: string | undefined;
  readonly json: boolean;
  /** What to show besides, or instead, of the fields. */
  readonly views: readonly View[];
}

type ModinfoCommand =
  | ModinfoRequest
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'wrong'; readonly message: string };

const KMOD_OPTIONS: OptionTable = {
  short: 'adlpn0mF:k:b:Vh',
  long: [
    { name: 'author', value: 'a' },
    { name: 'description', value: 'd' },
    { name: 'license', value: 'l' },
    { name: 'parameters', value: 'p' },
    { name: 'filename', value: 'n' },
    { name: 'null', value: '0' },
    { name: 'modname', value: 'm' },
    { name: 'field', value: 'F', argument: true },
    { name: 'set-version', value: 'k', argument: true },
    { name: 'basedir', value: 'b', argument: true },
    { name: 'version', value: 'V' },
    { name: 'help', value: 'h' },
  ],
};

const VIEWS: readonly View[] = ['exports', 'imports', 'sections', 'btf'];
const FIELD_OF: Readonly<Record<string, string>> = {
  a: 'author',
  d: 'description',
  l: 'license',
  p: 'parm',
  n: 'filename',
};

/** Takes modinfo's command line apart. */
export function parseModinfoArgs(args: readonly string[]): ModinfoCommand {
  const line = getopt('modinfo', args, optionTable(args));
  const given = line.options;
  const stop = given.find(({ value }) => value === 'h' || value === 'V');
  if (stop) return { kind: stop.value === 'h' ? 'help' : 'version' };
  if (line.kind === 'wrong') return line;
  const last = (wanted: string): string | undefined =>
    given.filter(({ value }) => value === wanted).at(-1)?.argument;
  const has = (value: string): boolean => given.some((option) => option.value === value);
  const fieldOption = given.filter(({ value }) => value === 'F' || Object.hasOwn(FIELD_OF, value)).at(-1);
  return {
    kind: 'show',
    operands: line.operands,
    field: fieldOption && (FIELD_OF[fieldOption.value] ?? fieldOption.argument),
    separator: has('0') ? '\0' : '\n',
    onlyNames: has('m'),
    release: last('k'),
    root: last('b'),
    json: has('json'),
    views: VIEWS.filter(has),
  };
}

/** modbox's own options are known only where they are written out, so that `--b` stays short for `--basedir`. */
function optionTable(args: readonly string[]): OptionTable {
  const own = ['json', ...VIEWS].filter((name) => args.includes(`--${name}`));
  return {
    short: KMOD_OPTIONS.short,
    long: [...KMOD_OPTIONS.long, ...own.map((name) => ({ name, value: name }))],
  };
}

import { type GivenOption, getopt, type OptionTable } from './getopt.js';
import { LOG, type ToolLog } from './log.js';
import type { ToolHost } from './tool.js';
import { VERSION_TEXT } from './version.js';

/** What modprobe was asked for. */
export interface ModprobeOptions {
  readonly all: boolean;
  readonly remove: boolean;
  readonly removeHolders: boolean;
  /** Milliseconds to wait for a module that is in use; 0: not at all. */
  readonly wait: number;
  readonly firstTime: boolean;
  readonly ignoreCommands: boolean;
  readonly useBlacklist: boolean;
  readonly forceModversion: boolean;
  readonly forceVermagic: boolean;
  readonly force: boolean;
  /** -D: everything is shown, and loaded modules count as not loaded. */
  readonly showDepends: boolean;
  readonly resolveOnly: boolean;
  readonly dryRun: boolean;
  readonly query: 'config' | 'modversions' | 'exports' | undefined;
  readonly json: boolean;
  readonly configPaths: readonly string[];
  readonly root: string | undefined;
  readonly release: string | undefined;
  readonly syslog: boolean;
  /** Level of the log: see {@link LOG}. */
  readonly verbosity: number;
  readonly operands: readonly string[];
  /** $MODPROBE_OPTIONS for the commands that modprobe runs. */
  readonly inherited: string | undefined;
}

const TABLE: OptionTable = {
  short: 'arw:RibfDcnC:d:S:sqvVh',
  long: [
    { name: 'all', value: 'a' },
    { name: 'remove', value: 'r' },
    { name: 'remove-dependencies', value: 'remove-dependencies' },
    { name: 'remove-holders', value: 'holders' },
    { name: 'wait', value: 'w', argument: true },
    { name: 'resolve-alias', value: 'resolve-alias' },
    { name: 'show-alias', value: 'R' },
    { name: 'first-time', value: 'first-time' },
    { name: 'ignore-install', value: 'i' },
    { name: 'ignore-remove', value: 'i' },
    { name: 'use-blacklist', value: 'b' },
    { name: 'force', value: 'f' },
    { name: 'force-modversion', value: 'force-modversion' },
    { name: 'force-vermagic', value: 'force-vermagic' },
    { name: 'show-depends', value: 'D' },
    { name: 'showconfig', value: 'showconfig' },
    { name: 'show-config', value: 'c' },
    { name: 'show-modversions', value: 'modversions' },
    { name: 'dump-modversions', value: 'dump-modversions' },
    { name: 'show-exports', value: 'exports' },
    { name: 'dry-run', value: 'n' },
    { name: 'show', value: 'show' },
    { name: 'config', value: 'C', argument: true },
    { name: 'dirname', value: 'd', argument: true },
    { name: 'set-version', value: 'S', argument: true },
    { name: 'syslog', value: 's' },
    { name: 'quiet', value: 'q' },
    { name: 'verbose', value: 'v' },
    { name: 'version', value: 'V' },
    { name: 'help', value: 'h' },
    // Not kmod's.
    { name: 'json', value: 'json' },
  ],
};

const HELP = `Usage:
	modprobe [options] [-i] [-b] modulename
	modprobe [options] -a [-i] [-b] modulename [modulename...]
	modprobe [options] -r [-i] modulename
	modprobe [options] -r -a [-i] modulename [modulename...]
	modprobe [options] -c
	modprobe [options] --show-modversions filename
Management Options:
	-a, --all                   Consider every non-argument to
	                            be a module name to be inserted
	                            or removed (-r)
	-r, --remove                Remove modules instead of inserting
	    --remove-holders        Also remove module holders (use together with -r)
	-w, --wait MSEC             When removing a module, wait up to MSEC for
	                            module's refcount to become 0 so it can be
	                            removed (use together with -r)
	    --first-time            Fail if module already inserted or removed
	-i, --ignore-install        Ignore install commands
	-i, --ignore-remove         Ignore remove commands
	-b, --use-blacklist         Apply blacklist to resolved alias.
	-f, --force                 Force module insertion or removal.
	                            implies --force-modversion and
	                            --force-vermagic
	    --force-modversion      Ignore module's version
	    --force-vermagic        Ignore module's version magic

Query Options:
	-R, --show-alias            Print module(s) matching given alias and exit
	-D, --show-depends          Print module dependencies and exit
	-c, --show-config           Print known configuration and exit
	    --show-modversions      Print module symbol version and exit
	    --show-exports          Print module exported symbol versions and exit

General Options:
	-n, --dry-run               Do not execute operations, just print out
	-C, --config FILE           Use FILE instead of default search paths
	-d, --dirname DIR           Use DIR as filesystem root for /lib/modules
	-S, --set-version VERSION   Use VERSION instead of $(uname -r)
	-s, --syslog                print to syslog, not stderr
	-q, --quiet                 disable messages
	-v, --verbose               enables more messages
	-V, --version               show version
	-h, --help                  show this help
`;

/** Options of earlier versions: what they stand for, and what to say of them. */
const DEPRECATED: Readonly<Record<string, { readonly value: string; readonly use: string }>> = {
  'remove-dependencies': { value: 'holders', use: 'remove-holders' },
  'resolve-alias': { value: 'R', use: 'show-alias' },
  showconfig: { value: 'c', use: 'show-config' },
  'dump-modversions': { value: 'modversions', use: 'show-modversions' },
  show: { value: 'n', use: 'dry-run' },
};

/** What the command line asks for, or the status that it ends with already. */
export function readOptions<Wait>(
  host: ToolHost<Wait>,
  log: ToolLog,
  args: readonly string[],
): ModprobeOptions | number {
  const environment = host.environment.MODPROBE_OPTIONS;
  const line = getopt('modprobe', [...argumentsIn(environment), ...args], TABLE);
  const reader = new OptionReader(environment);
  for (const option of line.options) {
    switch (option.value) {
      case 'V':
        host.out(VERSION_TEXT);
        return 0;
      case 'h':
        host.out(HELP);
        return 0;
    }
    if (reader.take(current(option, log))) continue;
    log.error(`unexpected wait value '${option.argument}'.\n`);
    return 1;
  }
  if (line.kind === 'wrong') {
    host.err(line.message);
    return 1;
  }
  return reader.result(line.operands);
}

/** An option by its present name. */
function current(option: GivenOption, log: ToolLog): GivenOption {
  if (!Object.hasOwn(DEPRECATED, option.value)) return option;
  const { value, use } = DEPRECATED[option.value];
  log.warning(`--${option.value} is deprecated and scheduled for removal; use --${use}\n`);
  return { ...option, value };
}

/** Collects options in the order in which they are given. */
class OptionReader {
  private readonly given = new Set<string>();
  private readonly configPaths: string[] = [];
  private wait = 0;
  private verbosity: number = LOG.warning;
  private root: string | undefined;
  private release: string | undefined;

  constructor(private inherited: string | undefined) {}

  /** False for a wait that is no number. */
  take({ value, argument }: GivenOption): boolean {
    this.given.add(value);
    switch (value) {
      case 'w': {
        const wait = unsigned(argument);
        this.wait = wait ?? 0;
        return wait !== undefined;
      }
      case 'C':
        this.configPaths.push(argument);
        this.inherit('-C');
        this.inherit(argument);
        return true;
      case 'd':
        this.root = argument;
        return true;
      case 'S':
        this.release = argument;
        return true;
      case 's':
        this.inherit('-s');
        return true;
      case 'q':
        this.inherit('-q');
        this.verbosity = LOG.emerg;
        return true;
      case 'v':
        this.inherit('-v');
        this.verbosity++;
        return true;
    }
    return true;
  }

  result(operands: readonly string[]): ModprobeOptions {
    const has = (value: string): boolean => this.given.has(value);
    const showDepends = has('D');
    return {
      all: has('a'),
      remove: has('r') || has('holders'),
      removeHolders: has('holders'),
      wait: this.wait,
      firstTime: has('first-time'),
      ignoreCommands: has('i'),
      useBlacklist: has('b'),
      force: has('f'),
      forceModversion: has('f') || has('force-modversion'),
      forceVermagic: has('f') || has('force-vermagic'),
      showDepends,
      resolveOnly: has('R'),
      dryRun: has('n') || showDepends,
      query: this.queryOf(has),
      json: has('json'),
      configPaths: this.configPaths,
      root: this.root,
      release: this.release,
      syslog: has('s'),
      verbosity: this.verbosity,
      operands,
      inherited: this.inherited,
    };
  }

  private queryOf(has: (value: string) => boolean): ModprobeOptions['query'] {
    if (has('c')) return 'config';
    if (has('modversions')) return 'modversions';
    return has('exports') ? 'exports' : undefined;
  }

  private inherit(text: string): void {
    this.inherited = this.inherited === undefined ? text : `${this.inherited} ${text}`;
  }
}

/**
 * Arguments in $MODPROBE_OPTIONS: single spaces are between them, and quotes, of either kind, keep spaces and
 * go away. Behind a quote that began an argument the next one follows without a space.
 */
export function argumentsIn(text: string | undefined): string[] {
  if (text === undefined) return [];
  const found: string[] = [];
  let argument = '';
  let quote: string | undefined;
  let quoteAt = 0;
  for (const char of text) {
    if (quote === undefined && char === ' ') {
      found.push(argument);
      argument = '';
    } else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char;
      quoteAt = argument.length;
    } else if (char === quote) {
      quote = undefined;
      if (quoteAt > 0) continue;
      found.push(argument);
      argument = '';
    } else argument += char;
  }
  // A quote that is not closed is a character like any other.
  if (quote !== undefined) argument = argument.slice(0, quoteAt) + quote + argument.slice(quoteAt);
  return argument === '' ? found : [...found, argument];
}

/** strtoul(3) of a whole text, of any base; undefined for what is no number. */
function unsigned(text: string): number | undefined {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.exec(text);
  if (!match) return undefined;
  const [, sign, digits] = match;
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  // A negative number wraps around: to longer than anybody can wait.
  return sign === '-' && value !== 0 ? Number.MAX_SAFE_INTEGER : Math.min(value, Number.MAX_SAFE_INTEGER);
}

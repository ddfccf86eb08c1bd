import { type GivenOption, getopt, type OptionTable } from './getopt.js';

const TABLE: OptionTable = {
  short: 'aAb:m:o:C:E:F:evnP:wVh',
  long: [
    { name: 'all', value: 'a' },
    { name: 'quick', value: 'A' },
    { name: 'basedir', value: 'b', argument: true },
    { name: 'moduledir', value: 'm', argument: true },
    { name: 'outdir', value: 'o', argument: true },
    { name: 'config', value: 'C', argument: true },
    { name: 'symvers', value: 'E', argument: true },
    { name: 'filesyms', value: 'F', argument: true },
    { name: 'errsyms', value: 'e' },
    { name: 'verbose', value: 'v' },
    { name: 'show', value: 'n' },
    { name: 'dry-run', value: 'n' },
    { name: 'symbol-prefix', value: 'P', argument: true },
    { name: 'warn', value: 'w' },
    { name: 'version', value: 'V' },
    { name: 'help', value: 'h' },
    // Not kmod's.
    { name: 'json', value: 'json' },
  ],
};

/** `depmod --help`. */
export const HELP = `Usage:
	depmod -[aA] [options] [forced_version]

If no arguments (except options) are given, "depmod -a" is assumed

depmod will output a dependency list suitable for the modprobe utility.

Options:
	-a, --all            Probe all modules
	-A, --quick          Only does the work if there's a new module
	-e, --errsyms        Report not supplied symbols
	-n, --show           Write the dependency file on stdout only
	-P, --symbol-prefix  Architecture symbol prefix
	-C, --config PATH    Read configuration from PATH
	-v, --verbose        Enable verbose mode
	-w, --warn           Warn on duplicates
	-V, --version        show version
	-h, --help           show this help

The following options are useful for people managing distributions:
	-b, --basedir DIR    Root path (default: /).
	-m, --moduledir DIR  Module directory (default: /lib/modules).
	-o, --outdir DIR     Output root path (default: same as <basedir>).
	-F, --filesyms FILE  Use the file instead of the
	                     current kernel symbols.
	-E, --symvers FILE   Use Module.symvers file to check
	                     symbol versions.
`;

/** What the command line asks for; paths as they were given. */
export interface DepmodOptions {
  all: boolean;
  /** -A: only if a module is newer than the index. */
  quick: boolean;
  root: string;
  moduleDirectory: string;
  outputRoot: string | undefined;
  configPaths: string[] | undefined;
  symvers: string | undefined;
  systemMap: string | undefined;
  reportUnknown: boolean;
  verbosity: number;
  dryRun: boolean;
  symbolPrefix: string;
  warnDuplicates: boolean;
  /** With -n: the index as JSON. */
  json: boolean;
}

type DepmodCommand =
  | { readonly kind: 'run'; readonly options: DepmodOptions; readonly operands: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** `message` is a whole line, `fatal` what depmod's own log says. */
  | { readonly kind: 'wrong'; readonly message?: string; readonly fatal?: string };

/** `absolute` makes a path so (-b and -o are taken from where the user is). */
export function depmodCommand(args: readonly string[], absolute: (path: string) => string): DepmodCommand {
  const line = getopt('depmod', args, TABLE);
  const options: DepmodOptions = {
    all: false,
    quick: false,
    root: '',
    moduleDirectory: '/lib/modules',
    outputRoot: undefined,
    configPaths: undefined,
    symvers: undefined,
    systemMap: undefined,
    reportUnknown: false,
    verbosity: 0,
    dryRun: false,
    symbolPrefix: '',
    warnDuplicates: false,
    json: false,
  };
  for (const option of line.options) {
    const end = take(options, option, absolute);
    if (end) return end;
  }
  if (line.kind === 'wrong') return { kind: 'wrong', message: line.message };
  if (options.json && !options.dryRun) return { kind: 'wrong', fatal: '--json needs -n\n' };
  return { kind: 'run', options, operands: line.operands };
}

/** Something else where the option ends the command. */
function take(
  options: DepmodOptions,
  { value, argument }: GivenOption,
  absolute: (path: string) => string,
): DepmodCommand | undefined {
  const path = (): string => (argument.startsWith('/') ? argument : absolute(argument));
  switch (value) {
    case 'a':
      options.all = true;
      break;
    case 'A':
      options.quick = true;
      break;
    case 'b':
      options.root = path();
      break;
    case 'm':
      options.moduleDirectory = argument;
      break;
    case 'o':
      options.outputRoot = path();
      break;
    case 'C':
      options.configPaths = [...(options.configPaths ?? []), argument];
      break;
    case 'E':
      options.symvers = argument;
      break;
    case 'F':
      options.systemMap = argument;
      break;
    case 'e':
      options.reportUnknown = true;
      break;
    case 'v':
      options.verbosity++;
      break;
    case 'n':
      options.dryRun = true;
      break;
    case 'P':
      if (new TextEncoder().encode(argument).length !== 1)
        return { kind: 'wrong', fatal: '-P only takes a single char\n' };
      options.symbolPrefix = argument;
      break;
    case 'w':
      options.warnDuplicates = true;
      break;
    case 'json':
      options.json = true;
      break;
    case 'h':
      return { kind: 'help' };
    case 'V':
      return { kind: 'version' };
  }
  return undefined;
}

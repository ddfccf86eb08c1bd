import { EEXIST, ENOEXEC } from '../../freebsd/errno.js';
import type { KldHost, KldTool, Steps } from '../host.js';
import { MODULE_PATH, readString, realPath } from '../module-path.js';
import { Program, untilExit } from '../program.js';

const USAGE = 'usage: kldload [-nqv] file ...\n';

/** kldload(8): loads files into the kernel. */
export const kldload: KldTool = (host, args) => untilExit(run(host, args));

interface LoadOptions {
  readonly program: Program;
  /** -n: what is loaded already is no error. */
  readonly onlyNew: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

function* run<Wait>(host: KldHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const program = new Program('kldload', host, USAGE);
  const given: string[] = [];
  const names = program.options(args, 'nqv', (option) => void given.push(option));
  if (names.length === 0) program.usage();
  // Of -q and -v the last counts.
  const last = given.filter((option) => option !== 'n').at(-1);
  const options = { program, onlyNew: given.includes('n'), quiet: last === 'q', verbose: last === 'v' };
  let errors = 0;
  for (const name of names) {
    const allowed = yield* checkPath(host, name, options);
    if (!allowed || !(yield* load(host, name, options))) errors++;
  }
  return errors > 0 ? 1 : 0;
}

/** False where it failed, and was told. */
function* load<Wait>(host: KldHost<Wait>, name: string, options: LoadOptions): Steps<Wait, boolean> {
  const { program, onlyNew, quiet, verbose } = options;
  const result = yield* host.kernel.load(name);
  if (!('errno' in result)) {
    if (verbose) program.out(`Loaded ${name}, id=${result.value}\n`);
    return true;
  }
  const { errno } = result;
  if (onlyNew && errno === EEXIST) {
    if (verbose) program.out(`${name} is already loaded\n`);
    return true;
  }
  if (quiet) return false;
  if (errno === EEXIST) program.warnx(`can't load ${name}: module already loaded or in kernel`);
  else if (errno === ENOEXEC)
    program.warnx(`an error occurred while loading module ${name}. Please check dmesg(8) for more details.`);
  else program.warn(`can't load ${name}`, errno);
  return false;
}

/**
 * A name like `x.ko` without a directory, of a file that is where the user is: the kernel takes the one of its module path, and
 * without one there it is an error.
 */
function* checkPath<Wait>(host: KldHost<Wait>, name: string, options: LoadOptions): Steps<Wait, boolean> {
  if (name.includes('/') || !name.includes('.ko')) return true;
  const { files, kernel } = host;
  const here = realPath(files, host.absolute(name));
  if (here === undefined) return true;
  const { quiet } = options;
  const program: Program = options.program;
  const node = kernel.sysctl.find(MODULE_PATH);
  if ('errno' in node) program.fail(1, `sysctlnametomib(${MODULE_PATH})`, node.errno);
  const path = yield* readString(kernel.sysctl, node.value.oid);
  if ('errno' in path) program.fail(1, `getting path: sysctl(${MODULE_PATH}) - size only`, path.errno);
  for (const directory of path.value.split(';')) {
    const there = realPath(files, host.absolute(`${directory.replace(/\/$/, '')}/${name}`));
    if (there === undefined) continue;
    if (there !== here && !quiet)
      program.warnx(`${name} will be loaded from ${directory}, not the current directory`);
    return true;
  }
  if (!quiet) program.warnx(`${name} is not in the module path`);
  return false;
}

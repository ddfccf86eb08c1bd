import { EINVAL, ENOENT, ENOEXEC, ESRCH, strerror } from '../../linux/errno.js';
import { Lookup } from '../found-module.js';
import { explain } from './modprobe-insert.js';
import { moduleOptions } from './module-options.js';
import { untilExit } from './open-log.js';
import { openTree } from './open-tree.js';
import { insertModule, type ModuleSystem } from './probe.js';
import { simpleOptions } from './simple-options.js';
import type { CallOutcome, InsertFlags, Steps, ToolHost } from './tool.js';

const HELP = `Usage:
	insmod [options] filename [module options]
Options:
	-f, --force              DANGEROUS: forces a module load, may cause
	                         data corruption and crash your machine.
	                         implies --force-modversion and
	                         --force-vermagic
	    --force-modversion   Ignore module's version
	    --force-vermagic     Ignore module's version magic
	-s, --syslog             print to syslog, not stderr
	-v, --verbose            enables more messages
	-V, --version            show version
	-h, --help               show this help
`;

/** insmod(8) of kmod 34 and what its development brought since; `--lenient` takes what the kernel takes though it is not safe. */
export function* insmod<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  return yield* untilExit(host, 'insmod', run(host, args));
}

function* run<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const own = {
    short: 'f',
    long: [
      { name: 'force', value: 'f' },
      { name: 'force-modversion', value: 'modversion' },
      { name: 'force-vermagic', value: 'vermagic' },
      { name: 'lenient', value: 'lenient' },
    ],
  };
  const options = simpleOptions(host, 'insmod', args, own, HELP);
  if (typeof options === 'number') return options;
  const { log, given } = options;
  const [file, ...parameters] = options.operands;
  if (file === undefined || file === '-') {
    log.error(
      file === undefined ? 'missing filename.\n' : 'this tool does not support loading from stdin!\n',
    );
    return 1;
  }
  log.priority = options.verbosity;
  const system = { host, tree: openTree(host, log, { configPaths: [] }), log, environment: {} };
  const flags = {
    forceModversion: given.has('f') || given.has('modversion'),
    forceVermagic: given.has('f') || given.has('vermagic'),
    ...(given.has('lenient') && { lenient: true }),
  };
  return yield* insmodFile(system, file, moduleOptions(parameters), flags);
}

/** Inserts a file, and tells what went wrong. */
export function* insmodFile<Wait>(
  system: ModuleSystem<Wait>,
  file: string,
  parameters: string,
  flags: InsertFlags,
): Steps<Wait, number> {
  const { host, tree, log } = system;
  const lookup = new Lookup(tree);
  const { given } = host;
  const module =
    given && file === given.file.path
      ? lookup.given(given.file, given.name)
      : lookup.byPath(host.absolute(file));
  if ('errno' in module) {
    log.error(`could not load module ${file}: ${strerror(module.errno)}\n`);
    return 1;
  }
  const outcome: CallOutcome = yield* insertModule(system, module, parameters, flags);
  if (outcome.errno === 0) return 0;
  log.error(`could not insert module ${file}: ${insertError(outcome.errno)}\n`);
  explain(system, outcome);
  return 1;
}

/** What insmod says of an errno: some have a meaning of their own for modules. */
export function insertError(errno: number): string {
  switch (errno) {
    case ENOEXEC:
      return 'Invalid module format';
    case ENOENT:
      return 'Unknown symbol in module';
    case ESRCH:
      return 'Module has wrong symbol version';
    case EINVAL:
      return 'Invalid parameters';
    default:
      return strerror(errno);
  }
}

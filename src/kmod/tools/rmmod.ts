import { EAGAIN, strerror } from '../../linux/errno.js';
import { type FoundModule, Lookup } from '../found-module.js';
import { explain } from './modprobe-insert.js';
import { untilExit } from './open-log.js';
import { openTree } from './open-tree.js';
import { type ModuleSystem, moduleState } from './probe.js';
import { type SimpleOptions, simpleOptions } from './simple-options.js';
import type { CallOutcome, Steps, ToolHost } from './tool.js';

const HELP = `Usage:
	rmmod [options] modulenames
Options:
	-f, --force       DANGEROUS: forces a module unload and may
	                  crash your machine
	-s, --syslog      print to syslog, not stderr
	-v, --verbose     enables more messages
	-V, --version     show version
	-h, --help        show this help
`;

/** The longest pause between two tries of `-w`, in milliseconds. */
const LONGEST_PAUSE = 1000;

/** rmmod(8) of kmod 34, with `-w` (`--wait`) of the module-init-tools: waits until a module is unused. */
export function* rmmod<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  return yield* untilExit(host, 'rmmod', run(host, args));
}

function* run<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const own = {
    short: 'fw',
    long: [
      { name: 'force', value: 'f' },
      { name: 'wait', value: 'w' },
    ],
  };
  const options = simpleOptions(host, 'rmmod', args, own, HELP);
  if (typeof options === 'number') return options;
  const { log } = options;
  if (options.operands.length === 0) {
    log.error('missing module name.\n');
    return 1;
  }
  log.priority = options.verbosity;
  const system = { host, tree: openTree(host, log, { configPaths: [] }), log, environment: {} };
  let status = 0;
  for (const given of options.operands) {
    const module = find(system, given);
    if (!module) return 1;
    if (!(yield* removeOne(system, module, given, options))) status = 1;
  }
  return status;
}

/** The module of a name, or of a file. */
function find<Wait>(system: ModuleSystem<Wait>, given: string): FoundModule | undefined {
  const lookup = new Lookup(system.tree);
  const path = system.host.absolute(given);
  if (!system.tree.exists(path)) return lookup.byName(given);
  const found = lookup.byPath(path);
  if (!('errno' in found)) return found;
  system.log.error(`could not use module ${given}: ${strerror(found.errno)}\n`);
  return undefined;
}

/** True if it worked. */
function* removeOne<Wait>(
  system: ModuleSystem<Wait>,
  module: FoundModule,
  given: string,
  { given: flags }: SimpleOptions,
): Steps<Wait, boolean> {
  const { log } = system;
  const force = flags.has('f');
  const wait = flags.has('w');
  if (!force && notRemovable(system, module, wait)) return false;
  const outcome = yield* wait
    ? patiently(system, module.name, force)
    : system.host.kernel.remove(module.name, force);
  if (outcome.errno === 0) return true;
  log.error(`could not remove '${module.name}': ${strerror(outcome.errno)}\n`);
  log.error(`could not remove module ${given}: ${strerror(outcome.errno)}\n`);
  explain(system, outcome);
  return false;
}

/** Tells why a module cannot be removed as things are; with `-w` being in use is no reason. */
function notRemovable<Wait>(system: ModuleSystem<Wait>, module: FoundModule, wait: boolean): boolean {
  const { log, host } = system;
  const { name } = module;
  const state = moduleState(system, module);
  if (state === 'builtin' || state === 'absent') {
    log.error(`Module ${name} is ${state === 'builtin' ? 'builtin.' : 'not currently loaded'}\n`);
    return true;
  }
  if (wait) return false;
  const holders = host.kernel.holders(name);
  if (holders.length > 0) {
    // kmod 34 makes a message of its own of every word; here it is one line, as in kmod 30.
    log.error(`Module ${name} is in use by: ${holders.join(' ')}\n`);
    return true;
  }
  const refcount = host.kernel.refcount(name);
  if (refcount === undefined) {
    log.error('Module unloading is not supported\n');
    return true;
  }
  if (refcount > 0) log.error(`Module ${name} is in use\n`);
  // A count below zero looks like an error of which nothing is known.
  return refcount !== 0;
}

/** Tries again while the module is in use, however long that is. */
function* patiently<Wait>(
  { host }: ModuleSystem<Wait>,
  name: string,
  force: boolean,
): Steps<Wait, CallOutcome> {
  const { kernel } = host;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const outcome = yield* kernel.remove(name, force);
    if (outcome.errno !== EAGAIN) return outcome;
    yield* kernel.sleep(pause);
  }
}

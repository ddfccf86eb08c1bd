import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST, strerror } from '../../kernel/errno.js';
import type { Resolved } from '../../kmod/index.js';
import { hint, holdersOf, type ModuleSystem, refcountOf, removeModule, statusOf } from './system.js';
import type { Terminal } from './terminal.js';

export interface RemoveOptions {
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly dryRun?: boolean;
  readonly firstTime?: boolean;
  readonly ignoreRemove?: boolean;
  /** Remove the modules that hold it too. */
  readonly removeHolders?: boolean;
}

/** modprobe(8) `-r`: a module with its soft dependencies and what it used that nobody needs now. */
export function* modprobeRemove(
  system: ModuleSystem,
  name: string,
  options: RemoveOptions,
  terminal: Terminal,
): Sleepable<number> {
  const found = system.tree.resolve(name);
  const loaded = found.length === 0 && statusOf(system, name) === 'loaded';
  if (found.length === 0 && !loaded) {
    if (!options.quiet)
      terminal.err(`modprobe: FATAL: Module ${name} not found in directory ${system.tree.directory}\n`);
    return 1;
  }
  const wanted = loaded ? [system.tree.named(name, undefined)] : found;
  let failed = false;
  for (const module of wanted) failed = (yield* removeOne(system, module, options, terminal)) || failed;
  return failed ? 1 : 0;
}

/** True if it failed. */
function* removeOne(
  system: ModuleSystem,
  wanted: Resolved,
  options: RemoveOptions,
  terminal: Terminal,
): Sleepable<boolean> {
  const { tree } = system;
  const { name } = wanted;
  const soft = options.ignoreRemove ? undefined : tree.softDependency(name);
  const command = options.ignoreRemove ? undefined : tree.removeCommand(name);
  const fatal = (text: string): void => terminal.err(`modprobe: FATAL: Module ${name} ${text}\n`);
  if (command === undefined) {
    const status = statusOf(system, name);
    if (status === 'builtin') {
      fatal('is builtin.');
      return true;
    }
    if (status === 'absent') {
      if (options.firstTime) fatal('is not in kernel.');
      return options.firstTime ?? false;
    }
  }
  yield* removeList(system, soft?.post ?? [], options, terminal);
  if (options.removeHolders)
    for (const holder of holdersOf(system, name))
      if (yield* removeOne(system, tree.named(holder, undefined), options, terminal)) return true;
  if (command === undefined && refcountOf(system, name) > 0) {
    fatal('is in use.');
    return true;
  }
  if (yield* removeIt(system, name, command, options, terminal)) return true;
  for (const dependency of wanted.module?.dependencies ?? [])
    if (statusOf(system, dependency) === 'loaded' && refcountOf(system, dependency) === 0)
      yield* removeIt(system, dependency, undefined, options, terminal);
  return yield* removeList(system, soft?.pre ?? [], options, terminal);
}

/** Soft dependencies, last first. True if one failed. */
function* removeList(
  system: ModuleSystem,
  names: readonly string[],
  options: RemoveOptions,
  terminal: Terminal,
): Sleepable<boolean> {
  let failed = false;
  const modules = names.flatMap((name) => system.tree.resolve(name)).reverse();
  for (const module of modules) failed = (yield* removeOne(system, module, options, terminal)) || failed;
  return failed;
}

/** True if it failed. */
function* removeIt(
  system: ModuleSystem,
  name: string,
  command: string | undefined,
  options: RemoveOptions,
  terminal: Terminal,
): Sleepable<boolean> {
  if (command !== undefined) {
    if (options.verbose) terminal.out(`remove ${command}\n`);
    if (options.dryRun || !system.shell) return false;
    return (yield* system.shell(command)) !== 0;
  }
  if (options.verbose) terminal.out(`rmmod ${name}\n`);
  if (options.dryRun) return false;
  const result = yield* removeModule(system, name);
  if (result.errno === 0 || result.errno === EEXIST) return false;
  terminal.err(`modprobe: ERROR: could not remove '${name}': ${strerror(result.errno)}\n`);
  terminal.err(hint(result));
  return true;
}

import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST, EINVAL, ENOENT, strerror } from '../../kernel/errno.js';
import { type InsertStep, insertPlan, type Resolved, withExtra } from '../../kmod/index.js';
import type { CallResult } from '../module-calls.js';
import { hint, insertFile, type ModuleSystem, statusOf } from './system.js';
import type { Terminal } from './terminal.js';

export interface InsertOptions {
  readonly verbose?: boolean;
  /** Say nothing about a module that is not found. */
  readonly quiet?: boolean;
  readonly dryRun?: boolean;
  /** Fail where a module is loaded already. */
  readonly firstTime?: boolean;
  readonly ignoreInstall?: boolean;
  /** Apply the blacklist to names too, not only to aliases. */
  readonly useBlacklist?: boolean;
  /** Only look up: print the names. */
  readonly resolveOnly?: boolean;
  /** Show the steps as if nothing was loaded, and do nothing. */
  readonly showDepends?: boolean;
  /** Told of the result of every insertion that failed. */
  readonly onFailure?: (result: CallResult) => void;
}

/** modprobe(8), inserting one module. */
export function* modprobeInsert(
  system: ModuleSystem,
  name: string,
  parameters: string,
  options: InsertOptions,
  terminal: Terminal,
): Sleepable<number> {
  const found = system.tree.resolve(name);
  if (found.length === 0) {
    if (!options.quiet)
      terminal.err(`modprobe: FATAL: Module ${name} not found in directory ${system.tree.directory}\n`);
    return 1;
  }
  let status = 0;
  for (const wanted of found) {
    if (options.resolveOnly) {
      terminal.out(`${wanted.name}\n`);
      continue;
    }
    const result = yield* insertOne(system, wanted, parameters, options, terminal);
    if (result.errno === 0) continue;
    status = 1;
    if (options.quiet) continue;
    terminal.err(`modprobe: ERROR: could not insert '${wanted.name}': ${insertMessage(result.errno)}\n`);
    terminal.err(hint(result));
  }
  return status;
}

/** What modprobe says of an errno. */
function insertMessage(errno: number): string {
  switch (errno) {
    case EEXIST:
      return 'Module already in kernel';
    case ENOENT:
      return 'Unknown symbol in module, or unknown parameter (see dmesg)';
    default:
      return strerror(errno);
  }
}

const DONE: CallResult = { errno: 0 };

function* insertOne(
  system: ModuleSystem,
  wanted: Resolved,
  parameters: string,
  options: InsertOptions,
  terminal: Terminal,
): Sleepable<CallResult> {
  const { tree } = system;
  const ignoreLoaded = options.showDepends ?? false;
  if (!ignoreLoaded && statusOf(system, wanted.name) !== 'absent')
    return options.firstTime ? { errno: EEXIST } : DONE;
  if (ignoreLoaded && !wanted.module && wanted.builtin) {
    terminal.out(`builtin ${wanted.name}\n`);
    return DONE;
  }
  const viaAlias = wanted.alias !== undefined || options.useBlacklist;
  if (viaAlias && tree.blacklisted(wanted.name)) return DONE;
  for (const step of insertPlan(tree, wanted, options.ignoreInstall)) {
    const isTarget = step.name === wanted.name;
    if (!ignoreLoaded && statusOf(system, step.name) !== 'absent') {
      if (isTarget && options.firstTime) return { errno: EEXIST };
      continue;
    }
    const result = yield* insertStep(system, step, isTarget ? parameters : undefined, options, terminal);
    if (result.errno === 0) continue;
    options.onFailure?.(result);
    if (result.errno === EEXIST && !(isTarget && options.firstTime)) continue;
    if (step.required) return result;
  }
  return DONE;
}

function* insertStep(
  system: ModuleSystem,
  step: InsertStep,
  extra: string | undefined,
  options: InsertOptions,
  terminal: Terminal,
): Sleepable<CallResult> {
  const { tree } = system;
  const given = extra === undefined ? step.options : withExtra(step.options, extra);
  const show = options.verbose || options.showDepends;
  if (step.install !== undefined) {
    if (show) terminal.out(`install ${step.install} ${given}\n`);
    if (options.dryRun || options.showDepends) return DONE;
    if (!system.shell) return { errno: EINVAL, why: `${step.name}: no shell to run its install command in` };
    const status = yield* system.shell(step.install.replaceAll('$CMDLINE_OPTS', given));
    if (status === 0) return DONE;
    return { errno: EINVAL, why: `the install command of ${step.name} gave status ${status}` };
  }
  const { module } = step.module;
  if (!module)
    return step.module.builtin ? DONE : { errno: ENOENT, why: `${step.name}: there is no such module` };
  if (show) terminal.out(`insmod ${tree.pathOf(module)} ${given}\n`);
  if (options.dryRun || options.showDepends) return DONE;
  const bytes = tree.read(module);
  if (!bytes) return { errno: ENOENT, why: `${tree.pathOf(module)} is not there` };
  return yield* insertFile(system, bytes, tree.pathOf(module), given.trim());
}

import { ModuleFile } from '../../formats/module-file.js';
import { EEXIST, EINVAL, ENOENT, strerror } from '../../linux/errno.js';
import type { FoundModule } from '../found-module.js';
import type { ModuleTree } from '../module-tree.js';
import { type InsertStep, insertPlan } from '../plan.js';
import { stepOptions } from '../show-depends.js';
import type { ToolLog } from './log.js';
import type { CallOutcome, InsertFlags, ModuleState, Steps, ToolHost } from './tool.js';

/** What the commands that act on modules work with. */
export interface ModuleSystem<Wait> {
  readonly host: ToolHost<Wait>;
  readonly tree: ModuleTree;
  readonly log: ToolLog;
  /** Variables for commands of modprobe.d. */
  readonly environment: Readonly<Record<string, string>>;
}

/** kmod_module_probe_insert_module(3)'s flags. */
export interface ProbeOptions {
  readonly insert?: InsertFlags;
  /** Leave out the module's own install command and soft dependencies. */
  readonly ignoreCommands?: boolean;
  /** Go through everything as if nothing was loaded. */
  readonly ignoreLoaded?: boolean;
  readonly dryRun?: boolean;
  /** Apply the blacklist to names too, not only to aliases. */
  readonly useBlacklist?: boolean;
  /** It is an error if the module is loaded already. */
  readonly failOnLoaded?: boolean;
  /** Told of every step before it is taken. */
  readonly onStep?: (step: InsertStep, options: string) => void;
}

const DONE: CallOutcome = { errno: 0 };

/** Where a module is, by the rules of kmod: what is built in has no state of its own. */
export function moduleState<Wait>(system: ModuleSystem<Wait>, module: FoundModule): ModuleState {
  return module.builtin ? 'builtin' : system.host.kernel.state(module.name);
}

function isInKernel<Wait>(system: ModuleSystem<Wait>, module: FoundModule): boolean {
  const state = moduleState(system, module);
  return state === 'live' || state === 'builtin';
}

/** Inserts a module with all it needs, in modprobe's order. */
export function* probeInsert<Wait>(
  system: ModuleSystem<Wait>,
  wanted: FoundModule,
  extra: string,
  options: ProbeOptions,
): Steps<Wait, CallOutcome> {
  const { ignoreLoaded, failOnLoaded } = options;
  if (!ignoreLoaded && isInKernel(system, wanted)) return failOnLoaded ? { errno: EEXIST } : DONE;
  if (wanted.blacklisted && (wanted.alias !== undefined || options.useBlacklist)) return DONE;
  for (const step of insertPlan(wanted, options.ignoreCommands)) {
    const outcome =
      !ignoreLoaded && isInKernel(system, step.module)
        ? { errno: EEXIST }
        : yield* takeStep(system, step, stepOptions(step, wanted, extra), options);
    if (outcome.errno === EEXIST && step.module === wanted && failOnLoaded) return outcome;
    if (outcome.errno !== 0 && outcome.errno !== EEXIST && step.required) return outcome;
  }
  return DONE;
}

function* takeStep<Wait>(
  system: ModuleSystem<Wait>,
  step: InsertStep,
  given: string,
  options: ProbeOptions,
): Steps<Wait, CallOutcome> {
  options.onStep?.(step, given);
  if (options.dryRun) return DONE;
  if (step.install !== undefined) return yield* runInstall(system, step, step.install, given);
  return yield* insertModule(system, step.module, given, options.insert ?? {});
}

function* runInstall<Wait>(
  system: ModuleSystem<Wait>,
  step: InsertStep,
  text: string,
  given: string,
): Steps<Wait, CallOutcome> {
  const { host, log, environment } = system;
  const command = withOptions(text, given);
  const status = yield* host.kernel.shell(command, { ...environment, MODPROBE_MODULE: step.name });
  if (status === 0) return DONE;
  log.error(`Error running install command '${command}' for module ${step.name}: retcode ${status}\n`);
  return { errno: EINVAL, why: `the install command of ${step.name} gave status ${status}` };
}

/** A command line of modprobe.d with the module's options where it has $CMDLINE_OPTS. */
export function withOptions(command: string, options: string): string {
  return command.split('$CMDLINE_OPTS').join(options);
}

/** kmod_module_insert_module(3): reads the module's file and hands it to the kernel. */
export function* insertModule<Wait>(
  system: ModuleSystem<Wait>,
  module: FoundModule,
  options: string,
  flags: InsertFlags,
): Steps<Wait, CallOutcome> {
  const { host, tree, log } = system;
  const { path } = module;
  if (path === undefined) {
    log.error(`could not find module by name='${module.name}'\n`);
    return { errno: ENOENT, why: `${module.name}: there is no such module` };
  }
  const file = module.given ?? fileOf(tree, path);
  if (!file) return { errno: ENOENT, why: `${path} is not there` };
  const outcome = yield* host.kernel.insert(file, options, flags);
  if (outcome.errno !== 0) log.info(`Failed to insert module '${path}': ${strerror(outcome.errno)}\n`);
  return outcome;
}

function fileOf(tree: ModuleTree, path: string): ModuleFile | undefined {
  const bytes = tree.readFile(path);
  return bytes && new ModuleFile(path, bytes);
}

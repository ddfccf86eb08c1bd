import { unpack } from '../../formats/compressed/unpack.js';
import { FormatError } from '../../formats/format-error.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOEXEC } from '../../kernel/errno.js';
import type { FileSource, ModuleTree } from '../../kmod/index.js';
import type { LinuxKernel } from '../../linux/kernel.js';
import { Modules } from '../../linux/module/modules.js';
import { type CallResult, deleteModuleCall, finitModule } from '../module-calls.js';

/** What the module commands need of a machine. */
export interface ModuleSystem {
  readonly k: LinuxKernel;
  readonly tree: ModuleTree;
  /** Files by the paths that a user of the machine gives. */
  readonly files: FileSource;
  /** Runs a shell command of modprobe.d's install and remove lines. */
  shell?(command: string): Sleepable<number>;
  /** The last load or removal that the kernel refused. */
  failure: CallResult | undefined;
}

/** Where a module is: of the image, loaded, or neither (`initstate` of /sys/module). */
export type ModuleStatus = 'builtin' | 'loaded' | 'absent';

export function statusOf(system: ModuleSystem, name: string): ModuleStatus {
  if (system.k.get(Modules).find(name)) return 'loaded';
  return system.tree.builtin.has(name) && !system.tree.index.module(name) ? 'builtin' : 'absent';
}

export function refcountOf(system: ModuleSystem, name: string): number {
  const modules = system.k.get(Modules);
  const module = modules.find(name);
  return module ? modules.refcount(module) : 0;
}

/** Modules that use a module's symbols. */
export function holdersOf(system: ModuleSystem, name: string): string[] {
  return (system.k.get(Modules).find(name)?.usedBy ?? []).map((user) => user.name);
}

/** Loads a file that may be packed. */
export function* insertFile(
  system: ModuleSystem,
  packed: Uint8Array,
  path: string,
  args: string,
): Sleepable<CallResult> {
  let bytes: Uint8Array;
  try {
    bytes = unpack(packed, path);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return noted(system, { errno: ENOEXEC, why: error.message });
  }
  return noted(system, yield* finitModule(system.k, { bytes, path }, args));
}

export function* removeModule(system: ModuleSystem, name: string, force = false): Sleepable<CallResult> {
  return noted(system, yield* deleteModuleCall(system.k, name, force));
}

function noted(system: ModuleSystem, result: CallResult): CallResult {
  if (result.errno !== 0) system.failure = result;
  return result;
}

/** modbox's own line on a failure, for stderr; '' where there is nothing to add. */
export function hint(result: CallResult): string {
  return result.why === undefined ? '' : `modbox: ${result.why}\n`;
}

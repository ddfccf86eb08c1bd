import { EPERM } from '../../kernel/errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { TaintName } from '../traps/taint.js';
import { LoadError } from './load-error.js';
import type { LoadedModule } from './loaded-module.js';
import { Modules } from './modules.js';

/** finit_module(2)'s MODULE_INIT_IGNORE_MODVERSIONS and MODULE_INIT_IGNORE_VERMAGIC. */
export interface LoadFlags {
  readonly forceModversion?: boolean;
  readonly forceVermagic?: boolean;
}

/**
 * try_to_force_load(): a module of which it cannot be told whether it fits is loaded all the same, and taints,
 * where the kernel is configured for that. False where it is not.
 */
export function forceLoad(k: LinuxKernel, module: LoadedModule, reason: string): boolean {
  if (!k.configured('CONFIG_MODULE_FORCE_LOAD')) return false;
  if (!k.traps.taint.has('FORCED_MODULE')) k.log.line(`${module.name}: ${reason}: kernel tainted.`, 4);
  forceTaint(k, module, 'FORCED_MODULE');
  return true;
}

/** Taints the kernel, and a module where it is about one. */
export function forceTaint(k: LinuxKernel, module: LoadedModule | undefined, name: TaintName): void {
  if (module) k.get(Modules).taint(module, name);
  else k.traps.taint.add(name);
}

/** The boot parameter `module_blacklist=A,B`: names as the modules have them. */
export function refuseBlacklisted(k: LinuxKernel, module: LoadedModule): void {
  const given = /(?:^|\s)module_blacklist=(\S*)/.exec(k.cmdline)?.[1];
  if (!given?.split(',').includes(module.name)) return;
  k.log.line(`Module ${module.name} is blacklisted`, 3);
  throw new LoadError(EPERM, `${module.name}: the boot parameter module_blacklist has it`);
}

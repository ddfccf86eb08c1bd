import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { bootList } from '../boot-parameters.js';
import { EPERM } from '../errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { LoadError } from './load-error.js';

/** finit_module(2)'s MODULE_INIT_IGNORE_MODVERSIONS and MODULE_INIT_IGNORE_VERMAGIC. */
export interface LoadFlags {
  readonly forceModversion?: boolean;
  readonly forceVermagic?: boolean;
  /** Take of this module what modbox refuses or distrusts for safety's sake alone, as the kernel does. */
  readonly lenient?: boolean;
}

/**
 * try_to_force_load(): a module of which it cannot be told whether it fits is loaded all the same, and taints,
 * where the kernel is configured for that. False where it is not.
 */
export function forceLoad(k: LinuxKernel, module: LoadedModule, reason: string): boolean {
  if (!k.configured('CONFIG_MODULE_FORCE_LOAD')) return false;
  if (!k.traps.taint.has('FORCED_MODULE'))
    k.log.line(`${module.name}: ${reason}: kernel tainted.`, LOGLEVEL_WARNING);
  k.get(Modules).taint(module, 'FORCED_MODULE', `loaded by force: ${reason}`, true);
  return true;
}

/** The boot parameter `module_blacklist=A,B`: names as the modules have them. */
export function refuseBlacklisted(k: LinuxKernel, module: LoadedModule): void {
  const name = module.modinfo.get('name') ?? module.name;
  if (!bootList(k.cmdline, 'module_blacklist').includes(name)) return;
  k.log.line(`Module ${name} is blacklisted`, LOGLEVEL_ERR);
  throw new LoadError(EPERM, `${name}: the boot parameter module_blacklist has it`);
}

import { EPERM } from '../../kernel/errno.js';
import { bootList } from '../boot-parameters.js';
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
  taintUnreliable(k, module, 'FORCED_MODULE');
  return true;
}

/** Taints after which the kernel does not trust its own locks: oopses switch lock debugging off on their way. */
const UNRELIABLE: readonly TaintName[] = [
  'PROPRIETARY_MODULE',
  'FORCED_MODULE',
  'FORCED_RMMOD',
  'BAD_PAGE',
  'DIE',
];

/** add_taint() with LOCKDEP_NOW_UNRELIABLE: taints the kernel, and a module where it is about one. */
export function taintUnreliable(k: LinuxKernel, module: LoadedModule | undefined, name: TaintName): void {
  if (!UNRELIABLE.some((taint) => k.traps.taint.has(taint)))
    k.log.line('Disabling lock debugging due to kernel taint', 4);
  if (module) k.get(Modules).taint(module, name);
  else k.traps.taint.add(name);
}

/** The boot parameter `module_blacklist=A,B`: names as the modules have them. */
export function refuseBlacklisted(k: LinuxKernel, module: LoadedModule): void {
  const name = module.modinfo.get('name') ?? module.name;
  if (!bootList(k.cmdline, 'module_blacklist').includes(name)) return;
  k.log.line(`Module ${name} is blacklisted`, 3);
  throw new LoadError(EPERM, `${name}: the boot parameter module_blacklist has it`);
}

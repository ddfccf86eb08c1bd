import type { TranslationStore } from '../../cpu/runtime/code-cache.js';
import type { IndexCache } from '../../kmod/index.js';
import type { LinuxTarget } from '../../target/index.js';
import { MachineError } from '../errors.js';
import type { MachineOptions } from './machine.js';

/** What a machine is booted from; what is not given is the library's. */
export type BootOptions = Omit<MachineOptions, 'target'> & Partial<Pick<MachineOptions, 'target'>>;

/** What a machine has that nobody chose anything for; made when it is wanted. */
export interface BootDefaults {
  readonly target: () => LinuxTarget;
  readonly indexCache: () => IndexCache;
  readonly translations: () => TranslationStore | undefined;
}

let defaults: BootDefaults | undefined;

/** Node's entry of the library gives the kernel that comes with it, and the user's cache. */
export function setBootDefaults(given: BootDefaults): void {
  defaults = given;
}

/** Throws MachineError where there is no target, given or by default. */
export function withDefaults(options: BootOptions): MachineOptions {
  const target = options.target ?? defaults?.target();
  if (!target) throw new MachineError('Machine.boot: no `target`, and none comes with the library here');
  const indexCache = options.indexCache ?? defaults?.indexCache();
  const translations = options.translations ?? defaults?.translations();
  return { ...options, target, ...(indexCache && { indexCache }), ...(translations && { translations }) };
}

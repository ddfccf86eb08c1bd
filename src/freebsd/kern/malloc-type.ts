import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import { Malloc } from './malloc.js';

/** A malloc type of the kernel's that modules have no name for (MALLOC_DEFINE): its struct, with the short description of vmstat -m. */
export function defineType(k: FreebsdKernel, name: string, description: string): Ptr {
  const at = k.variable(name, k.sizeOf('malloc_type'));
  const type = k.struct('malloc_type');
  type.set(at, 'ks_version', k.macro('M_VERSION'));
  type.set(at, 'ks_shortdesc', k.constantString(description));
  k.get(Malloc).exports.malloc_init(at);
  return at;
}

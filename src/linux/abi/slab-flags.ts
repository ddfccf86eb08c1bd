import type { LinuxKernel } from '../kernel.js';

/** Flags of caches (SLAB_*, include/linux/slab.h) in kernels that have them as text of a header; newer ones have enumerators of bits. */
const FIXED = { HWCACHE_ALIGN: 0x2000, TYPESAFE_BY_RCU: 0x8_0000, ACCOUNT: 0x400_0000 };

/** The flag of kmem_cache_create() by its name without SLAB_. */
export function slabFlag(k: LinuxKernel, name: keyof typeof FIXED): number {
  const bit = k.types.findEnumValue(`_SLAB_${name}`);
  return bit === undefined ? FIXED[name] : 1 << Number(bit);
}

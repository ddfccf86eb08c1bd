/**
 * What an allocation may do and is to be (include/linux/gfp_types.h). Newer kernels have the bits as enumerators, older ones only as
 * text of a header; gfp.test.ts holds these against those that have them.
 */
export const GFP_HIGH = 0x20;
export const GFP_ZERO = 0x100;
export const GFP_DIRECT_RECLAIM = 0x400;
export const GFP_KSWAPD_RECLAIM = 0x800;
export const GFP_NOWARN = 0x2000;
export const GFP_NOFAIL = 0x8000;
export const GFP_COMP = 0x4_0000;
/** May sleep, read and write. */
export const GFP_KERNEL = 0xcc0;
/** Pages that hold what files hold. */
export const GFP_HIGHUSER_MOVABLE = 0x10_0cca;

/** The greatest of C's integers (include/vdso/limits.h). */
export const INT_MAX = 0x7fff_ffff;
export const UINT_MAX = 0xffff_ffff;
export const LONG_MAX = 0x7fff_ffff_ffff_ffffn;
export const ULONG_MAX = 0xffff_ffff_ffff_ffffn;

/** kmalloc(0) (include/linux/slab.h). */
export const ZERO_SIZE_PTR = 16;
/** The end of what user space may have, with four levels of page tables (arch/x86/include/asm/page_64.h). */
export const TASK_SIZE_MAX = 0x7fff_ffff_f000n;

/** No node of memory (include/linux/numa.h). */
export const NUMA_NO_NODE = -1;

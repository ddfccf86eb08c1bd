/** The greatest of C's integers (include/vdso/limits.h). */
export const INT_MAX = 0x7fff_ffff;
export const UINT_MAX = 0xffff_ffff;

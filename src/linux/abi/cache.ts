/** SMP_CACHE_BYTES, L1_CACHE_BYTES: what x86-64 aligns things to that are not to share a line (include/linux/cache.h). */
export const SMP_CACHE_BYTES = 64;

import type { SlabPolicy } from '../../kernel/mm/slab.js';

/** kmalloc's general caches, kmalloc-8 to kmalloc-8k, and the bytes of SLUB's debugging (Documentation/mm/slub.rst). */
export const KMALLOC: SlabPolicy = {
  sizes: [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192],
  nameOf: (size) => (size >= 1024 ? `kmalloc-${size / 1024}k` : `kmalloc-${size}`),
  // Powers of two are aligned to their size, others to the largest power of two that divides it.
  alignOf: (size) => Math.max(8, size & -size),
  fresh: 0x5a,
  freed: 0x6b,
  zone: 0xcc,
};

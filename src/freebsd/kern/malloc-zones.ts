import type { SlabPolicy } from '../../kernel/mm/slab.js';

/** The zones of malloc(9) (kmemzones of sys/kern/kern_malloc.c), and what UMA's debugging fills memory with (UMA_JUNK, 0xdeadc0de). */
export const MALLOC_ZONES: SlabPolicy = {
  sizes: [16, 32, 64, 128, 256, 384, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536],
  nameOf: (size) => `malloc-${size}`,
  alignOf: (size) => Math.max(16, size & -size),
  fresh: 0xde,
  freed: 0xad,
  zone: 0xc0,
};

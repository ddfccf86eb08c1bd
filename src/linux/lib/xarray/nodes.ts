import type { Ptr } from '../../../cpu/layout.js';
import type { SlabCache } from '../../../kernel/mm/slab.js';
import type { LinuxKernel } from '../../kernel.js';
import { NodeTree } from './node-tree.js';

/** __GFP_BITS_SHIFT of kernels whose types do not tell it (before 6.9). */
const GFP_BITS_SHIFT = 27;

/** The cache that nodes come from. Freed ones keep their content, for readers under RCU. */
export function nodeCache(k: LinuxKernel): SlabCache {
  return k.slab.createCache({
    name: 'radix_tree_node',
    objectSize: k.sizeOf('xa_node'),
    align: 8,
    keepContent: true,
    userCopy: { offset: 0, size: 0 },
  });
}

/** The tree code over a kernel's memory. */
export function kernelNodeTree(k: LinuxKernel, cache: SlabCache): NodeTree {
  const memory = {
    allocate: (): Ptr => k.slab.allocate(cache, true),
    free: (ptr: Ptr): void => {
      k.slab.free(ptr);
    },
  };
  const node = k.struct('xa_node');
  const slots = node.member('slots').size / BigUint64Array.BYTES_PER_ELEMENT;
  return new NodeTree(k.space, node, k.struct('xarray'), memory, gfpBitsShift(k), slots);
}

function gfpBitsShift(k: LinuxKernel): number {
  try {
    return k.enumValue('___GFP_LAST_BIT');
  } catch {
    return GFP_BITS_SHIFT;
  }
}

import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import { SlabExports } from '../../mm/slab.js';
import { NodeTree } from './node-tree.js';

/** __GFP_BITS_SHIFT of kernels whose types do not tell it (before 6.9). */
const GFP_BITS_SHIFT = 27;

/** `struct kmem_cache *radix_tree_node_cachep` */
export const NODE_CACHE = 'radix_tree_node_cachep';

/** The tree code over a kernel's memory. Freed nodes keep their content, for readers under RCU. */
export function kernelNodeTree(k: LinuxKernel): NodeTree {
  const node = k.struct('xa_node');
  const cache = k.slab.createCache({
    name: 'radix_tree_node',
    objectSize: node.size,
    align: 8,
    keepContent: true,
    userCopy: { offset: 0, size: 0 },
  });
  if (k.hasSymbol(NODE_CACHE)) k.space.storePtr(k.symbol(NODE_CACHE), k.get(SlabExports).publish(cache));
  const memory = {
    allocate: (): Ptr => k.slab.allocate(cache, true),
    free: (ptr: Ptr): void => {
      k.slab.free(ptr);
    },
  };
  return new NodeTree(k.space, node, k.struct('xarray'), memory, gfpBitsShift(k));
}

function gfpBitsShift(k: LinuxKernel): number {
  try {
    return k.enumValue('___GFP_LAST_BIT');
  } catch {
    return GFP_BITS_SHIFT;
  }
}

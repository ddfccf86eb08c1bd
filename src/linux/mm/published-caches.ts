import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import { XArrays } from '../lib/xarray/xarray.js';
import type { Subsystem } from '../subsystem.js';
import { SlabExports } from './slab.js';

/** `struct kmem_cache *radix_tree_node_cachep` (lib/radix-tree.c) */
const NODES = 'radix_tree_node_cachep';

/** Caches of the base kernel's own that the target's code allocates from too, by the variables that name them. */
export class PublishedCaches implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = [NODES];
  readonly exports = {};

  boot(): void {
    const { k } = this;
    if (!k.hasSymbol(NODES)) return;
    const ctor = k.exports.hostFunction('radix_tree_node_ctor', 'v:p', (node: Ptr) => this.construct(node));
    k.space.storePtr(k.symbol(NODES), k.get(SlabExports).publish(k.get(XArrays).cache, ctor));
  }

  private construct(node: Ptr): void {
    const { k } = this;
    const type = k.struct('xa_node');
    k.space.writable(node, type.size).fill(0);
    list.init(k.space, type.addr(node, 'private_list'));
  }
}

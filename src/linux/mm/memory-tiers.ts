import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import { ENOMEM } from '../errno.js';
import { errPtr, isErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Kinds of memory by how far away it is (mm/memory-tiers.c). There is one node, and nothing is demoted. */
export class MemoryTiers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    alloc_memory_type: (distance: number) => this.allocate(distance),
    destroy_memory_type: (type: Ptr) => this.put(type),
    put_memory_type: (type: Ptr) => this.put(type),
    mt_find_alloc_memory_type: (distance: number, types: Ptr) => this.find(distance, types),
    mt_put_memory_types: (types: Ptr) => this.putAll(types),
  };

  private allocate(distance: number): Ptr {
    const { k } = this;
    const type = k.struct('memory_dev_type');
    const at = k.slab.allocateBytes(type.size, true);
    if (at === 0) return errPtr(ENOMEM);
    type.set(at, 'adistance', distance);
    // The member's name was misspelt up to 6.10.
    const sibling = type.has('tier_sibling') ? 'tier_sibling' : 'tier_sibiling';
    list.init(k.space, type.addr(at, sibling));
    type.set(at, 'kref.refcount.refs.counter', 1);
    return at;
  }

  private put(at: Ptr): void {
    const type = this.k.struct('memory_dev_type');
    const count = type.get(at, 'kref.refcount.refs.counter') - 1;
    type.set(at, 'kref.refcount.refs.counter', count);
    if (count === 0) this.k.slab.free(at);
  }

  /** The type of that distance in a list, made if there is none. */
  private find(distance: number, types: Ptr): Ptr {
    const { k } = this;
    // structs: memory_dev_type.list is there where mt_find_alloc_memory_type() is.
    const type = k.struct('memory_dev_type');
    for (const node of list.entries(k.space, types)) {
      const known = type.of(node, 'list');
      if (type.get(known, 'adistance') === distance) return known;
    }
    const made = this.allocate(distance);
    if (!isErr(made)) list.add(k.space, type.addr(made, 'list'), types);
    return made;
  }

  private putAll(types: Ptr): void {
    const { k } = this;
    for (const node of list.entries(k.space, types)) {
      list.del(k.space, node);
      this.put(k.struct('memory_dev_type').of(node, 'list'));
    }
  }
}

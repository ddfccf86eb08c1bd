import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { list } from '../../abi/list.js';
import { EEXIST, EINVAL, ENOENT, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { MAX_ADDR_LEN } from './dev-addr-lists.js';

/**
 * Entries of lists of hardware addresses as the kernel's own code adds and deletes them, which syncs one list with another
 * (net/core/dev_addr_lists.c). TypeScript looks through the list: it keeps no tree of them.
 */
export class HardwareAddressEntries implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __hw_addr_add_ex: (
      addresses: Ptr,
      address: Ptr,
      length: number,
      type: number,
      global: boolean,
      sync: boolean,
      syncCount: number,
      exclusive: boolean,
    ) =>
      length > MAX_ADDR_LEN
        ? -EINVAL
        : this.add(addresses, this.k.space.readable(address, length).slice(), type, {
            global,
            sync,
            syncCount,
            exclusive,
          }),
    __hw_addr_del_entry: (addresses: Ptr, entry: Ptr, global: boolean, sync: boolean) =>
      this.del(addresses, entry, global, sync),
  };

  private add(addresses: Ptr, bytes: Uint8Array, type: number, how: Adding): number {
    const { entry } = this;
    const known = this.find(addresses, bytes, type);
    if (known === 0) return this.create(addresses, bytes, type, how);
    if (how.exclusive) return -EEXIST;
    if (how.global) {
      if (entry.get(known, 'global_use') !== 0) return 0;
      entry.set(known, 'global_use', 1);
    }
    if (how.sync) {
      const synced = entry.get(known, 'synced');
      if (synced !== 0 && how.syncCount !== 0) return -EEXIST;
      entry.set(known, 'synced', synced + 1);
    }
    entry.set(known, 'refcount', entry.get(known, 'refcount') + 1);
    return 0;
  }

  /** __hw_addr_create(), and into the list. */
  private create(addresses: Ptr, bytes: Uint8Array, type: number, { global, sync }: Adding): number {
    const { k, entry } = this;
    const made = k.slab.allocateBytes(entry.size, true);
    if (made === 0) return -ENOMEM;
    k.space.writable(entry.addr(made, 'addr'), bytes.length).set(bytes);
    entry.set(made, 'type', type);
    entry.set(made, 'refcount', 1);
    entry.set(made, 'global_use', global ? 1 : 0);
    entry.set(made, 'synced', sync ? 1 : 0);
    entry.set(made, 'sync_cnt', 0);
    list.addTail(k.space, entry.addr(made, 'list'), this.addresses.addr(addresses, 'list'));
    this.count(addresses, 1);
    return 0;
  }

  /** One use less; the last one takes the entry away. */
  private del(addresses: Ptr, at: Ptr, global: boolean, sync: boolean): number {
    const { k, entry } = this;
    const synced = entry.get(at, 'synced');
    if (global && entry.get(at, 'global_use') === 0) return -ENOENT;
    if (sync && synced === 0) return -ENOENT;
    if (global) entry.set(at, 'global_use', 0);
    if (sync) entry.set(at, 'synced', synced - 1);
    const left = entry.get(at, 'refcount') - 1;
    entry.set(at, 'refcount', left);
    if (left !== 0) return 0;
    list.del(k.space, entry.addr(at, 'list'));
    k.slab.free(at);
    this.count(addresses, -1);
    return 0;
  }

  /** 0 for none; a type of 0 stands for all. */
  private find(addresses: Ptr, bytes: Uint8Array, type: number): Ptr {
    const { k, entry } = this;
    for (const node of list.entries(k.space, this.addresses.addr(addresses, 'list'))) {
      const at = entry.of(node, 'list');
      if (type !== 0 && entry.get(at, 'type') !== type) continue;
      const own = k.space.readable(entry.addr(at, 'addr'), bytes.length);
      if (bytes.every((byte, i) => byte === own[i])) return at;
    }
    return 0;
  }

  private count(addresses: Ptr, by: number): void {
    this.addresses.set(addresses, 'count', this.addresses.get(addresses, 'count') + by);
  }

  private get addresses(): StructType {
    return this.k.struct('netdev_hw_addr_list');
  }

  private get entry(): StructType {
    return this.k.struct('netdev_hw_addr');
  }
}

interface Adding {
  readonly global: boolean;
  readonly sync: boolean;
  readonly syncCount: number;
  readonly exclusive: boolean;
}

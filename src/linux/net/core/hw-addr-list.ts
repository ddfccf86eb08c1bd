import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { list } from '../../abi/list.js';
import { EEXIST, ENOENT, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';

/** MAX_ADDR_LEN (include/linux/netdevice.h). */
export const MAX_ADDR_LEN = 32;

/** How an address is added: once only, for all that are not told otherwise, or by a list that is synced with this one. */
export interface Adding {
  readonly global: boolean;
  readonly sync: boolean;
  readonly syncCount: number;
  readonly exclusive: boolean;
}

/** struct netdev_hw_addr_list: hardware addresses that are counted (net/core/dev_addr_lists.c). They are looked through: there is no tree of them. */
export class HardwareAddressLists {
  constructor(private readonly k: LinuxKernel) {}

  init(addresses: Ptr): void {
    list.init(this.k.space, this.addresses.addr(addresses, 'list'));
    this.addresses.set(addresses, 'count', 0);
  }

  flush(addresses: Ptr): void {
    const { k, entry } = this;
    for (const node of list.entries(k.space, this.addresses.addr(addresses, 'list')))
      k.slab.free(entry.of(node, 'list'));
    this.init(addresses);
  }

  /** __hw_addr_add_ex(): 0 or -errno. */
  add(addresses: Ptr, bytes: Uint8Array, type: number, how: Adding): number {
    const { entry } = this;
    const known = this.find(addresses, bytes, type);
    if (known === 0) return this.create(addresses, bytes, type, how) === 0 ? -ENOMEM : 0;
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

  /** __hw_addr_create(), and into the list; 0 without memory. */
  create(addresses: Ptr, bytes: Uint8Array, type: number, { global, sync }: Adding): Ptr {
    const { k, entry } = this;
    const made = k.slab.allocateBytes(entry.size, true);
    if (made === 0) return 0;
    k.space.writable(entry.addr(made, 'addr'), bytes.length).set(bytes);
    entry.set(made, 'type', type);
    entry.set(made, 'refcount', 1);
    entry.set(made, 'global_use', global ? 1 : 0);
    entry.set(made, 'synced', sync ? 1 : 0);
    entry.set(made, 'sync_cnt', 0);
    list.addTail(k.space, entry.addr(made, 'list'), this.addresses.addr(addresses, 'list'));
    this.count(addresses, 1);
    return made;
  }

  /** __hw_addr_del_entry(): one use less; the last one takes the entry away. */
  del(addresses: Ptr, at: Ptr, global: boolean, sync: boolean): number {
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
  find(addresses: Ptr, bytes: Uint8Array, type: number): Ptr {
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

  get entry(): StructType {
    return this.k.struct('netdev_hw_addr');
  }
}

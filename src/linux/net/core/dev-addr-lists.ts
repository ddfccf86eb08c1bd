import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { ENOENT, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** MAX_ADDR_LEN (include/linux/netdevice.h). */
export const MAX_ADDR_LEN = 32;
/** Kinds of hardware addresses (NETDEV_HW_ADDR_T_*, include/linux/netdevice.h). */
const LAN = 1;
const UNICAST = 3;
const MULTICAST = 4;

type ListName = 'uc' | 'mc' | 'dev_addrs';

/** The hardware addresses of a device: its own, and the unicast and multicast filters (net/core/dev_addr_lists.c). */
export class DeviceAddressLists implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dev_addr_mod: (dev: Ptr, offset: number, address: Ptr, length: number) =>
      this.modify(dev, offset, this.k.space.readable(address, length).slice()),
    dev_addr_add: (dev: Ptr, address: Ptr, type: number) => this.add(dev, 'dev_addrs', address, type),
    dev_addr_del: (dev: Ptr, address: Ptr, type: number) => this.del(dev, 'dev_addrs', address, type),
    dev_uc_add: (dev: Ptr, address: Ptr) => this.changed(dev, this.add(dev, 'uc', address, UNICAST)),
    dev_uc_add_excl: (dev: Ptr, address: Ptr) =>
      this.changed(dev, this.add(dev, 'uc', address, UNICAST, true)),
    dev_uc_del: (dev: Ptr, address: Ptr) => this.changed(dev, this.del(dev, 'uc', address, UNICAST)),
    __dev_set_rx_mode: (dev: Ptr) => this.setReceiveMode(dev),
    dev_uc_init: (dev: Ptr) => this.initList(dev, 'uc'),
    dev_uc_flush: (dev: Ptr) => this.flush(dev, 'uc'),
    dev_mc_add: (dev: Ptr, address: Ptr) => this.changed(dev, this.add(dev, 'mc', address, MULTICAST)),
    dev_mc_add_excl: (dev: Ptr, address: Ptr) =>
      this.changed(dev, this.add(dev, 'mc', address, MULTICAST, true)),
    dev_mc_add_global: (dev: Ptr, address: Ptr) => this.changed(dev, this.add(dev, 'mc', address, MULTICAST)),
    dev_mc_del: (dev: Ptr, address: Ptr) => this.changed(dev, this.del(dev, 'mc', address, MULTICAST)),
    dev_mc_del_global: (dev: Ptr, address: Ptr) => this.changed(dev, this.del(dev, 'mc', address, MULTICAST)),
    dev_mc_init: (dev: Ptr) => this.initList(dev, 'mc'),
    __hw_addr_init: (addresses: Ptr) => {
      const type = this.k.struct('netdev_hw_addr_list');
      this.k.space.writable(addresses, type.size).fill(0);
      list.init(this.k.space, type.addr(addresses, 'list'));
    },
    dev_mc_flush: (dev: Ptr) => this.flush(dev, 'mc'),
  };

  /** dev_addr_init(), dev_uc_init() and dev_mc_init() of a new device: the address of zeros is its own. */
  init(dev: Ptr): number {
    for (const name of ['uc', 'mc', 'dev_addrs'] as const) this.initList(dev, name);
    const first = this.allocate(dev, 'dev_addrs', new Uint8Array(MAX_ADDR_LEN), LAN);
    if (first === 0) return -ENOMEM;
    this.k.struct('net_device').set(dev, 'dev_addr', this.entry.addr(first, 'addr'));
    return 0;
  }

  flushAll(dev: Ptr): void {
    for (const name of ['dev_addrs', 'uc', 'mc'] as const) this.flush(dev, name);
    this.k.struct('net_device').set(dev, 'dev_addr', 0);
  }

  /** dev_addr_mod(): the device's own address, and the copy that finds out writes past this function. */
  modify(dev: Ptr, offset: number, bytes: Uint8Array): void {
    const { k } = this;
    const type = k.struct('net_device');
    k.space.writable(type.get(dev, 'dev_addr') + offset, bytes.length).set(bytes);
    if (type.has('dev_addr_shadow'))
      k.space.writable(type.addr(dev, 'dev_addr_shadow') + offset, bytes.length).set(bytes);
  }

  flush(dev: Ptr, name: ListName): void {
    const { k } = this;
    const head = this.head(dev, name);
    for (const node of list.entries(k.space, head)) k.slab.free(this.entry.of(node, 'list'));
    this.initList(dev, name);
  }

  private add(dev: Ptr, name: ListName, address: Ptr, kind: number, exclusive = false): number {
    const { k } = this;
    const bytes = this.bytes(dev, address);
    const known = this.find(dev, name, bytes, kind);
    if (known !== 0) {
      if (exclusive) return -17;
      this.entry.set(known, 'refcount', this.entry.get(known, 'refcount') + 1);
      return 0;
    }
    const padded = new Uint8Array(MAX_ADDR_LEN);
    padded.set(k.space.readable(address, bytes.length));
    return this.allocate(dev, name, padded, kind) === 0 ? -ENOMEM : 0;
  }

  private del(dev: Ptr, name: ListName, address: Ptr, kind: number): number {
    const { k } = this;
    const known = this.find(dev, name, this.bytes(dev, address), kind);
    if (known === 0) return -ENOENT;
    const references = this.entry.get(known, 'refcount') - 1;
    this.entry.set(known, 'refcount', references);
    if (references > 0) return 0;
    list.del(k.space, this.entry.addr(known, 'list'));
    k.slab.free(known);
    this.count(dev, name, -1);
    return 0;
  }

  private allocate(dev: Ptr, name: ListName, bytes: Uint8Array, kind: number): Ptr {
    const { k } = this;
    const entry = k.slab.allocateBytes(this.entry.size, true);
    if (entry === 0) return 0;
    k.space.bytes.set(bytes, this.entry.addr(entry, 'addr'));
    this.entry.set(entry, 'type', kind);
    this.entry.set(entry, 'refcount', 1);
    list.addTail(k.space, this.entry.addr(entry, 'list'), this.head(dev, name));
    this.count(dev, name, 1);
    return entry;
  }

  private find(dev: Ptr, name: ListName, bytes: Uint8Array, kind: number): Ptr {
    const { k } = this;
    for (const node of list.entries(k.space, this.head(dev, name))) {
      const entry = this.entry.of(node, 'list');
      if (this.entry.get(entry, 'type') !== kind) continue;
      const own = k.space.readable(this.entry.addr(entry, 'addr'), bytes.length);
      if (bytes.every((byte, i) => byte === own[i])) return entry;
    }
    return 0;
  }

  /** __dev_set_rx_mode(): the driver of a running device programs its filters. */
  *setReceiveMode(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('net_device');
    if ((type.get(dev, 'flags') & 1) === 0) return;
    const ops = type.get(dev, 'netdev_ops');
    const operations = k.struct('net_device_ops');
    if (operations.get(ops, 'ndo_set_rx_mode') !== 0) yield* operations.call(ops, 'ndo_set_rx_mode', dev);
  }

  private *changed(dev: Ptr, result: number): Sleepable<number> {
    if (result === 0) yield* this.setReceiveMode(dev);
    return result;
  }

  private initList(dev: Ptr, name: ListName): void {
    const type = this.k.struct('net_device');
    list.init(this.k.space, this.head(dev, name));
    type.set(dev, `${name}.count`, 0);
  }

  private head(dev: Ptr, name: ListName): Ptr {
    return this.k.struct('net_device').addr(dev, `${name}.list`);
  }

  private count(dev: Ptr, name: ListName, by: number): void {
    const type = this.k.struct('net_device');
    type.set(dev, `${name}.count`, type.get(dev, `${name}.count`) + by);
  }

  private bytes(dev: Ptr, address: Ptr): Uint8Array {
    return this.k.space.readable(address, this.k.struct('net_device').get(dev, 'addr_len')).slice();
  }

  private get entry() {
    return this.k.struct('netdev_hw_addr');
  }
}

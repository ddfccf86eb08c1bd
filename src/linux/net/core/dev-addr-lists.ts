import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENOENT, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { type Adding, HardwareAddressLists, MAX_ADDR_LEN } from './hw-addr-list.js';

/** Kinds of hardware addresses (NETDEV_HW_ADDR_T_*, include/linux/netdevice.h). */
const LAN = 1;
const UNICAST = 3;
const MULTICAST = 4;

const ORDINARY: Adding = { global: false, sync: false, syncCount: 0, exclusive: false };

type ListName = 'uc' | 'mc' | 'dev_addrs';

/** The hardware addresses of a device: its own, and the unicast and multicast filters (net/core/dev_addr_lists.c). */
export class DeviceAddressLists implements Subsystem {
  private readonly lists: HardwareAddressLists;

  constructor(private readonly k: LinuxKernel) {
    this.lists = new HardwareAddressLists(k);
  }

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
    // As the kernel's own code adds and deletes entries, which syncs one list with another.
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
        : this.lists.add(addresses, this.k.space.readable(address, length).slice(), type, {
            global,
            sync,
            syncCount,
            exclusive,
          }),
    __hw_addr_del_entry: (addresses: Ptr, entry: Ptr, global: boolean, sync: boolean) =>
      this.lists.del(addresses, entry, global, sync),
  };

  /** dev_addr_init(), dev_uc_init() and dev_mc_init() of a new device: the address of zeros is its own. */
  init(dev: Ptr): number {
    for (const name of ['uc', 'mc', 'dev_addrs'] as const) this.initList(dev, name);
    const first = this.lists.create(this.at(dev, 'dev_addrs'), new Uint8Array(MAX_ADDR_LEN), LAN, ORDINARY);
    if (first === 0) return -ENOMEM;
    this.k.struct('net_device').set(dev, 'dev_addr', this.lists.entry.addr(first, 'addr'));
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
    this.lists.flush(this.at(dev, name));
  }

  private add(dev: Ptr, name: ListName, address: Ptr, kind: number, exclusive = false): number {
    return this.lists.add(this.at(dev, name), this.bytes(dev, address), kind, { ...ORDINARY, exclusive });
  }

  private del(dev: Ptr, name: ListName, address: Ptr, kind: number): number {
    const addresses = this.at(dev, name);
    const known = this.lists.find(addresses, this.bytes(dev, address), kind);
    return known === 0 ? -ENOENT : this.lists.del(addresses, known, false, false);
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
    this.lists.init(this.at(dev, name));
  }

  /** The list of that name, a struct netdev_hw_addr_list. */
  private at(dev: Ptr, name: ListName): Ptr {
    return this.k.struct('net_device').addr(dev, name);
  }

  private bytes(dev: Ptr, address: Ptr): Uint8Array {
    return this.k.space.readable(address, this.k.struct('net_device').get(dev, 'addr_len')).slice();
  }
}

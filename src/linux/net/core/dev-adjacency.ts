import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EBUSY, EEXIST, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { createLink, removeChild } from '../../kobject/sysfs/files.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceNotifiers } from './dev-notifiers.js';
import { NetDevices } from './netdevices.js';

type Side = 'upper' | 'lower';

/** Devices above and below others: bridges, bonds, VLANs and what they are made of (net/core/dev.c). */
export class DeviceAdjacency implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    netdev_upper_dev_link: (dev: Ptr, upper: Ptr) => this.link(dev, upper, false, 0),
    netdev_master_upper_dev_link: (dev: Ptr, upper: Ptr, priv: Ptr) => this.link(dev, upper, true, priv),
    netdev_upper_dev_unlink: (dev: Ptr, upper: Ptr) => this.unlink(dev, upper),
    netdev_master_upper_dev_get: (dev: Ptr) => this.master(dev),
    netdev_master_upper_dev_get_rcu: (dev: Ptr) => this.master(dev),
    netdev_has_upper_dev: (dev: Ptr, upper: Ptr) => this.find(dev, upper, 'upper') !== 0,
    netdev_has_any_upper_dev: (dev: Ptr) => !list.isEmpty(this.k.space, this.head(dev, 'upper')),
    netdev_lower_get_next: (dev: Ptr, iter: Ptr) => this.next(dev, iter, 'lower', 'dev'),
    netdev_lower_get_next_private: (dev: Ptr, iter: Ptr) => this.next(dev, iter, 'lower', 'private', true),
    netdev_lower_get_next_private_rcu: (dev: Ptr, iter: Ptr) => this.next(dev, iter, 'lower', 'private'),
    netdev_upper_get_next_dev_rcu: (dev: Ptr, iter: Ptr) => this.next(dev, iter, 'upper', 'dev'),
    netdev_lower_get_first_private_rcu: (dev: Ptr) => this.first(dev),
    netdev_lower_dev_get_private: (dev: Ptr, lower: Ptr) => {
      const entry = this.find(dev, lower, 'lower');
      return entry === 0 ? 0 : this.entry.get(entry, 'private');
    },
    netdev_adjacent_get_private: (node: Ptr) => this.entry.get(this.entry.of(node, 'list'), 'private'),
    netdev_is_rx_handler_busy: (dev: Ptr) => this.k.struct('net_device').get(dev, 'rx_handler') !== 0,
    netdev_rx_handler_register: (dev: Ptr, handler: Ptr, data: Ptr) =>
      this.registerHandler(dev, handler, data),
    netdev_rx_handler_unregister: (dev: Ptr) => {
      const type = this.k.struct('net_device');
      type.set(dev, 'rx_handler', 0);
      type.set(dev, 'rx_handler_data', 0);
    },
  };

  /** netdev_upper_dev_link(): both devices know of each other, unless the notifiers object. */
  private *link(dev: Ptr, upper: Ptr, master: boolean, priv: Ptr): Sleepable<number> {
    const { k } = this;
    if (dev === upper || this.reaches(upper, dev)) return -EBUSY;
    if (this.find(dev, upper, 'upper') !== 0) return -EEXIST;
    if (master && this.master(dev) !== 0) return -EBUSY;
    const refused = yield* k.get(DeviceNotifiers).call('NETDEV_PRECHANGEUPPER', dev);
    if (refused) return refused;
    if (!this.add(dev, upper, 'upper', master, priv) || !this.add(upper, dev, 'lower', false, priv))
      return -ENOMEM;
    this.setLink(dev, upper, 'upper');
    this.setLink(upper, dev, 'lower');
    const vetoed = yield* k.get(DeviceNotifiers).call('NETDEV_CHANGEUPPER', dev);
    if (vetoed) this.drop(dev, upper);
    return vetoed;
  }

  private *unlink(dev: Ptr, upper: Ptr): Sleepable<void> {
    yield* this.k.get(DeviceNotifiers).call('NETDEV_PRECHANGEUPPER', dev);
    this.drop(dev, upper);
    yield* this.k.get(DeviceNotifiers).call('NETDEV_CHANGEUPPER', dev);
  }

  private drop(dev: Ptr, upper: Ptr): void {
    this.remove(dev, upper, 'upper');
    this.remove(upper, dev, 'lower');
  }

  private add(dev: Ptr, other: Ptr, side: Side, master: boolean, priv: Ptr): boolean {
    const { k } = this;
    const entry = k.slab.allocateBytes(this.entry.size, true);
    if (entry === 0) return false;
    this.entry.set(entry, 'dev', other);
    this.entry.set(entry, 'master', master ? 1 : 0);
    this.entry.set(entry, 'ref_nr', 1);
    this.entry.set(entry, 'private', priv);
    k.get(NetDevices).hold(other);
    const node = this.entry.addr(entry, 'list');
    if (master) list.add(k.space, node, this.head(dev, side));
    else list.addTail(k.space, node, this.head(dev, side));
    return true;
  }

  private remove(dev: Ptr, other: Ptr, side: Side): void {
    const { k } = this;
    const entry = this.find(dev, other, side);
    if (entry === 0) return;
    list.del(k.space, this.entry.addr(entry, 'list'));
    const kobj = k.struct('net_device').addr(dev, 'dev.kobj');
    removeChild(k, kobj, `${side}_${k.get(NetDevices).name(other)}`);
    k.get(NetDevices).put(other);
    k.slab.free(entry);
  }

  private setLink(dev: Ptr, other: Ptr, side: Side): void {
    const { k } = this;
    const type = k.struct('net_device');
    const name = `${side}_${k.get(NetDevices).name(other)}`;
    createLink(k, type.addr(dev, 'dev.kobj'), type.addr(other, 'dev.kobj'), name);
  }

  private reaches(from: Ptr, to: Ptr): boolean {
    return this.neighbours(from, 'upper').some((dev) => dev === to || this.reaches(dev, to));
  }

  private neighbours(dev: Ptr, side: Side): Ptr[] {
    const nodes = [...list.entries(this.k.space, this.head(dev, side))];
    return nodes.map((node) => this.entry.get(this.entry.of(node, 'list'), 'dev'));
  }

  private master(dev: Ptr): Ptr {
    const head = this.head(dev, 'upper');
    const first = list.first(this.k.space, head);
    if (first === head) return 0;
    const entry = this.entry.of(first, 'list');
    return this.entry.get(entry, 'master') ? this.entry.get(entry, 'dev') : 0;
  }

  private first(dev: Ptr): Ptr {
    const head = this.head(dev, 'lower');
    const first = list.first(this.k.space, head);
    return first === head ? 0 : this.entry.get(this.entry.of(first, 'list'), 'private');
  }

  private find(dev: Ptr, other: Ptr, side: Side): Ptr {
    for (const node of list.entries(this.k.space, this.head(dev, side))) {
      const entry = this.entry.of(node, 'list');
      if (this.entry.get(entry, 'dev') === other) return entry;
    }
    return 0;
  }

  /** One step of netdev_for_each_*(): where `iter` points is given, or (`current`) what comes after it. */
  private next(dev: Ptr, iter: Ptr, side: Side, field: 'dev' | 'private', current = false): Ptr {
    const { space } = this.k;
    const at = space.loadPtr(iter);
    const node = current ? at : space.loadPtr(at);
    if (node === this.head(dev, side)) return 0;
    space.storePtr(iter, current ? space.loadPtr(node) : node);
    return this.entry.get(this.entry.of(node, 'list'), field);
  }

  private registerHandler(dev: Ptr, handler: Ptr, data: Ptr): number {
    const type = this.k.struct('net_device');
    if (type.get(dev, 'rx_handler') !== 0) return -EBUSY;
    type.set(dev, 'rx_handler_data', data);
    type.set(dev, 'rx_handler', handler);
    return 0;
  }

  private head(dev: Ptr, side: Side): Ptr {
    return this.k.struct('net_device').addr(dev, `adj_list.${side}`);
  }

  private get entry() {
    return this.k.struct('netdev_adjacent');
  }
}

import type { Ptr } from '../../../cpu/layout.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENFILE } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Length of a device name with its NUL (IFNAMSIZ). */
const IFNAMSIZ = 16;
/** Highest number that `%d` in a name may become: as many as there are bits in a page. */
const MAX_NAMES = 8 * 4096;

/** The network devices there are, by name and by index (net/core/dev.c). */
export class NetDevices implements Subsystem {
  private readonly byName = new Map<string, Ptr>();
  private readonly byIndex = new Map<number, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __dev_get_by_name: (_net: Ptr, name: Ptr) => this.named(this.k.space.cstring(name)),
    dev_get_by_name_rcu: (_net: Ptr, name: Ptr) => this.named(this.k.space.cstring(name)),
    dev_get_by_name: (_net: Ptr, name: Ptr) => this.hold(this.named(this.k.space.cstring(name))),
    __dev_get_by_index: (_net: Ptr, index: number) => this.byIndex.get(index) ?? 0,
    dev_get_by_index_rcu: (_net: Ptr, index: number) => this.byIndex.get(index) ?? 0,
    dev_get_by_index: (_net: Ptr, index: number) => this.hold(this.byIndex.get(index) ?? 0),
    dev_getbyhwaddr_rcu: (_net: Ptr, type: number, address: Ptr) => this.withAddress(type, address),
    dev_getfirstbyhwtype: (_net: Ptr, type: number) =>
      this.hold(this.find((dev) => this.device.get(dev, 'type') === type)),
    __dev_get_by_flags: (_net: Ptr, flags: number, mask: number) =>
      this.find((dev) => ((this.device.get(dev, 'flags') ^ flags) & mask) === 0),
    dev_valid_name: (name: Ptr) => isValidName(this.k.space.cstring(name, IFNAMSIZ + 1)),
    dev_alloc_name: (dev: Ptr, name: Ptr) => this.allocateName(dev, this.k.space.cstring(name)),
    netdev_name_in_use: (_net: Ptr, name: Ptr) => this.byName.has(this.k.space.cstring(name)),
    netdev_refcnt_read: (dev: Ptr) => this.references(dev),
  };

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const at of this.all()) {
      if (!k.space.canRead(at, this.device.size)) return;
      const device = this.device.addr(at, 'dev');
      const uses = ['netdev_ops', 'ethtool_ops', 'header_ops', 'rtnl_link_ops'];
      yield {
        kind: 'net device',
        at,
        uses: uses.map((member) => this.device.get(at, member)),
        parts: [device],
        kobjects: [k.struct('device').addr(device, 'kobj')],
        name: () => this.name(at),
      };
      const handler = this.device.get(at, 'rx_handler');
      if (handler !== 0)
        yield { kind: 'receive handler', at: handler, uses: [handler], name: () => this.name(at) };
    }
  }

  /** Every registered device, oldest first. */
  all(): Ptr[] {
    const { k } = this;
    const head = k.struct('net').addr(k.symbol('init_net'), 'dev_base_head');
    return [...list.entries(k.space, head)].map((node) => this.device.of(node, 'dev_list'));
  }

  /** The device with a name, 0 if there is none. */
  named(name: string): Ptr {
    return this.byName.get(name) ?? 0;
  }

  find(matches: (dev: Ptr) => boolean): Ptr {
    return this.all().find(matches) ?? 0;
  }

  /** dev_net(): without CONFIG_NET_NS there is the first one alone. */
  net(dev: Ptr): Ptr {
    return this.device.has('nd_net.net') ? this.device.get(dev, 'nd_net.net') : this.k.symbol('init_net');
  }

  name(dev: Ptr): string {
    return this.device.text(dev, 'name');
  }

  /** dev_hold(): one more reference; NULL is fine. */
  hold(dev: Ptr, by = 1): Ptr {
    if (dev === 0) return 0;
    const at = this.counter(dev);
    this.k.space.store32(at, this.k.space.loadInt32(at) + by);
    return dev;
  }

  put(dev: Ptr): void {
    this.hold(dev, -1);
  }

  references(dev: Ptr): number {
    return this.k.space.loadInt32(this.counter(dev));
  }

  /** Of the one CPU, or without CONFIG_PCPU_DEV_REFCNT the device's own. */
  private counter(dev: Ptr): Ptr {
    const { device } = this;
    return device.has('pcpu_refcnt')
      ? this.k.percpu.deref(device.get(dev, 'pcpu_refcnt'))
      : device.addr(dev, 'dev_refcnt.refs.counter');
  }

  /** list_netdevice(): from now on it can be found. */
  add(dev: Ptr): void {
    const { k } = this;
    list.addTail(
      k.space,
      this.device.addr(dev, 'dev_list'),
      k.struct('net').addr(this.net(dev), 'dev_base_head'),
    );
    this.byName.set(this.name(dev), dev);
    this.byIndex.set(this.device.get(dev, 'ifindex'), dev);
    this.changed(dev);
  }

  /** unlist_netdevice() */
  remove(dev: Ptr): void {
    list.del(this.k.space, this.device.addr(dev, 'dev_list'));
    this.byName.delete(this.name(dev));
    this.byIndex.delete(this.device.get(dev, 'ifindex'));
    this.changed(dev);
  }

  rename(dev: Ptr, name: string): void {
    this.byName.delete(this.name(dev));
    this.device.setText(dev, 'name', name);
    this.byName.set(name, dev);
  }

  /** dev_new_index() */
  nextIndex(net: Ptr): number {
    const type = this.k.struct('net');
    let index = type.get(net, 'ifindex');
    do index = index >= 0x7fff_ffff ? 1 : index + 1;
    while (this.byIndex.has(index));
    type.set(net, 'ifindex', index);
    return index;
  }

  /**
   * dev_alloc_name(): `%d` in a name becomes the lowest number that is free. The number, or a negative errno;
   * the name is written to the device.
   */
  allocateName(dev: Ptr, pattern: string): number {
    const resolved = this.resolveName(pattern);
    if (typeof resolved === 'number') return resolved;
    this.device.setText(dev, 'name', resolved.name);
    return resolved.number;
  }

  private resolveName(pattern: string): { readonly name: string; readonly number: number } | number {
    if (!isValidName(pattern)) return -EINVAL;
    const percent = pattern.indexOf('%');
    if (percent < 0) return this.byName.has(pattern) ? -ENFILE : { name: pattern, number: 0 };
    if (pattern[percent + 1] !== 'd' || pattern.includes('%', percent + 2)) return -EINVAL;
    for (let number = 0; number < MAX_NAMES; number++) {
      const name = pattern.replace('%d', String(number)).slice(0, IFNAMSIZ - 1);
      if (!this.byName.has(name)) return { name, number };
    }
    return -ENFILE;
  }

  private withAddress(type: number, address: Ptr): Ptr {
    const { space } = this.k;
    return this.find((dev) => {
      if (this.device.get(dev, 'type') !== type) return false;
      const length = this.device.get(dev, 'addr_len');
      const own = space.readable(this.device.get(dev, 'dev_addr'), length);
      return space.readable(address, length).every((byte, i) => byte === own[i]);
    });
  }

  private changed(dev: Ptr): void {
    const type = this.k.struct('net');
    const net = this.net(dev);
    type.set(net, 'dev_base_seq', (type.get(net, 'dev_base_seq') + 1) >>> 0 || 1);
  }

  private get device() {
    return this.k.struct('net_device');
  }
}

/** dev_valid_name() */
export function isValidName(name: string): boolean {
  if (name === '' || name.length >= IFNAMSIZ || name === '.' || name === '..') return false;
  return !/[/:\s]/.test(name);
}

import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const COUNTER_BYTES = 8;

/** Counters of packets that the core itself drops, by the member of the total that they add to (struct net_device_core_stats). */
const OF_THE_CORE = ['rx_dropped', 'tx_dropped', 'rx_nohandler', 'rx_otherhost_dropped'] as const;

/** Statistics of network devices, from whoever counts (dev_get_stats(), net/core/dev.c). */
export class DeviceStatistics implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dev_get_stats: (dev: Ptr, storage: Ptr) => this.collect(dev, storage),
    netdev_stats_to_stats64: (to: Ptr, from: Ptr) => this.widen(to, from),
  };

  /** One counter of a device, by its member of struct rtnl_link_stats64; 0 of one that this kernel does not have. */
  *counter(dev: Ptr, name: string): Sleepable<bigint> {
    const { k } = this;
    const type = k.struct('rtnl_link_stats64');
    if (!type.has(name)) return 0n;
    const storage = k.slab.allocateBytes(type.size, true);
    yield* this.collect(dev, storage);
    const value = k.space.load64(type.addr(storage, name));
    k.slab.free(storage);
    return value;
  }

  private *collect(dev: Ptr, storage: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('net_device');
    const operations = k.struct('net_device_ops');
    const ops = type.get(dev, 'netdev_ops');
    if (operations.get(ops, 'ndo_get_stats64') !== 0) {
      k.space.writable(storage, k.sizeOf('rtnl_link_stats64')).fill(0);
      yield* operations.call(ops, 'ndo_get_stats64', dev, storage);
    } else if (operations.get(ops, 'ndo_get_stats') !== 0) {
      this.widen(storage, yield* operations.call(ops, 'ndo_get_stats', dev));
    } else this.widen(storage, type.addr(dev, 'stats'));
    this.addCore(dev, storage);
    return storage;
  }

  private addCore(dev: Ptr, storage: Ptr): void {
    const { k } = this;
    const type = k.struct('net_device');
    const percpu = type.has('core_stats') ? type.get(dev, 'core_stats') : 0;
    if (percpu === 0) return;
    const core = k.struct('net_device_core_stats');
    const total = k.struct('rtnl_link_stats64');
    const own = k.percpu.deref(percpu);
    for (const name of OF_THE_CORE) {
      if (!core.has(name) || !total.has(name)) continue;
      const at = total.addr(storage, name);
      k.space.store64(at, k.space.load64(at) + k.space.load64(core.addr(own, name)));
    }
  }

  /** struct net_device_stats, words of a long each, is the beginning of rtnl_link_stats64; what is behind it is 0. */
  private widen(to: Ptr, from: Ptr): void {
    const { k } = this;
    const words = k.sizeOf('net_device_stats') / COUNTER_BYTES;
    k.space.writable(to, k.sizeOf('rtnl_link_stats64')).fill(0);
    for (let i = 0; i < words; i++)
      k.space.store64(to + i * COUNTER_BYTES, k.space.load64(from + i * COUNTER_BYTES));
  }
}

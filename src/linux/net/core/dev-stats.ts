import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Counters that a driver keeps in its device, as words of struct net_device_stats, which the first of struct rtnl_link_stats64 are in the same order. */
const OLD_COUNTERS = [
  'rx_packets',
  'tx_packets',
  'rx_bytes',
  'tx_bytes',
  'rx_errors',
  'tx_errors',
  'rx_dropped',
  'tx_dropped',
  'multicast',
  'collisions',
  'rx_length_errors',
  'rx_over_errors',
  'rx_crc_errors',
  'rx_frame_errors',
  'rx_fifo_errors',
  'rx_missed_errors',
  'tx_aborted_errors',
  'tx_carrier_errors',
  'tx_fifo_errors',
  'tx_heartbeat_errors',
  'tx_window_errors',
  'rx_compressed',
  'tx_compressed',
] as const;
/** Every counter that sysfs shows. */
export const COUNTERS = [...OLD_COUNTERS, 'rx_nohandler'] as const;
export type Counter = (typeof COUNTERS)[number];

/** What network devices have counted (dev_get_stats() in net/core/dev.c). */
export class DeviceStatistics implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dev_get_stats: (dev: Ptr, storage: Ptr) => this.get(dev, storage),
  };

  /** One counter. */
  *counter(dev: Ptr, name: Counter): Sleepable<bigint> {
    const { k } = this;
    const type = k.struct('rtnl_link_stats64');
    const storage = k.slab.allocateBytes(type.size, true);
    yield* this.get(dev, storage);
    const value = type.getBig(storage, name);
    k.slab.free(storage);
    return value;
  }

  /** dev_get_stats(): fills a struct rtnl_link_stats64. */
  private *get(dev: Ptr, storage: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('rtnl_link_stats64');
    const ops = k.struct('net_device_ops');
    const table = k.struct('net_device').get(dev, 'netdev_ops');
    k.space.writable(storage, type.size).fill(0);
    if (ops.get(table, 'ndo_get_stats64') !== 0) yield* ops.call(table, 'ndo_get_stats64', dev, storage);
    else {
      const own = k.struct('net_device').addr(dev, 'stats');
      const from = ops.get(table, 'ndo_get_stats') === 0 ? own : yield* ops.call(table, 'ndo_get_stats', dev);
      OLD_COUNTERS.forEach((name, i) => {
        type.setBig(storage, name, k.space.load64(from + 8 * i));
      });
    }
    return storage;
  }
}

import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO } from '../../../kernel/log.js';
import { EINVAL, ENODEV } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceAddressLists } from './dev-addr-lists.js';
import { DeviceNotifiers } from './dev-notifiers.js';
import { linkState, setLinkState } from './link-state.js';
import { LinkWatch } from './link-watch.js';
import { NetDevices } from './netdevices.js';
import { TransmitQueues } from './tx-queues.js';

/** Flags that dev_change_flags() may change (net/core/dev.c). */
const CHANGEABLE = 0x4 | 0x20 | 0x80 | 0x8000 | 0x4000 | 0x2000 | 0x1000;

/** Flags that are counted, since many may want them, and who counts. */
const COUNTED = [
  ['promiscuity', 'IFF_PROMISC'],
  ['allmulti', 'IFF_ALLMULTI'],
] as const;

/** Bringing network devices up and down (net/core/dev.c). */
export class DeviceOpening implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dev_open: (dev: Ptr) => this.open(dev),
    dev_close: (dev: Ptr) => this.close(dev),
    dev_change_flags: (dev: Ptr, flags: number) => this.changeFlags(dev, flags),
    __dev_change_flags: (dev: Ptr, flags: number) => this.setFlags(dev, flags),
    __dev_notify_flags: (dev: Ptr, old: number) => this.notifyFlags(dev, old),
    __dev_open: (dev: Ptr) => this.openOne(dev),
    dev_get_flags: (dev: Ptr) => this.flags(dev),
    dev_set_promiscuity: (dev: Ptr, by: number) => this.count(dev, 'promiscuity', 'IFF_PROMISC', by),
    dev_set_allmulti: (dev: Ptr, by: number) => this.count(dev, 'allmulti', 'IFF_ALLMULTI', by),
    dev_set_mtu: (dev: Ptr, mtu: number) => this.setMtu(dev, mtu),
    netif_carrier_on: (dev: Ptr) => this.carrier(dev, true),
    netif_carrier_off: (dev: Ptr) => this.carrier(dev, false),
    netif_device_attach: (dev: Ptr) => this.setState(dev, '__LINK_STATE_PRESENT', true),
    netif_device_detach: (dev: Ptr) => this.setState(dev, '__LINK_STATE_PRESENT', false),
  };

  /** dev_open(): under the RTNL; 0 if it is up already. */
  *open(dev: Ptr): Sleepable<number> {
    const { k } = this;
    if (this.flags(dev) & k.enumValue('IFF_UP')) return 0;
    const error = yield* this.openOne(dev);
    if (error === 0) yield* k.get(DeviceNotifiers).call('NETDEV_UP', dev);
    return error;
  }

  /** dev_close(): under the RTNL. */
  *close(dev: Ptr): Sleepable<void> {
    const { k } = this;
    if ((k.struct('net_device').get(dev, 'flags') & k.enumValue('IFF_UP')) === 0) return;
    yield* this.closeOne(dev);
    yield* k.get(DeviceNotifiers).call('NETDEV_DOWN', dev);
  }

  state(dev: Ptr, bit: string): boolean {
    return linkState(this.k, dev, bit);
  }

  setState(dev: Ptr, bit: string, on: boolean): void {
    setLinkState(this.k, dev, bit, on);
  }

  private *openOne(dev: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('net_device');
    const ops = k.struct('net_device_ops');
    const table = type.get(dev, 'netdev_ops');
    if (!this.state(dev, '__LINK_STATE_PRESENT')) return -ENODEV;
    yield* k.get(DeviceNotifiers).call('NETDEV_PRE_UP', dev);
    this.setState(dev, '__LINK_STATE_START', true);
    const validates = ops.get(table, 'ndo_validate_addr') !== 0;
    let error = validates ? yield* ops.call(table, 'ndo_validate_addr', dev) : 0;
    if (error === 0 && ops.get(table, 'ndo_open') !== 0) error = yield* ops.call(table, 'ndo_open', dev);
    if (error !== 0) {
      this.setState(dev, '__LINK_STATE_START', false);
      return error;
    }
    type.set(dev, 'flags', type.get(dev, 'flags') | k.enumValue('IFF_UP'));
    yield* k.get(DeviceAddressLists).setReceiveMode(dev);
    return 0;
  }

  private *closeOne(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('net_device');
    yield* k.get(DeviceNotifiers).call('NETDEV_GOING_DOWN', dev);
    this.setState(dev, '__LINK_STATE_START', false);
    if (k.get(TransmitQueues).isActive(dev)) yield { kind: 'call', fn: k.fn('dev_deactivate'), args: [dev] };
    const ops = k.struct('net_device_ops');
    const table = type.get(dev, 'netdev_ops');
    if (ops.get(table, 'ndo_stop') !== 0) yield* ops.call(table, 'ndo_stop', dev);
    type.set(dev, 'flags', type.get(dev, 'flags') & ~k.enumValue('IFF_UP'));
  }

  private *changeFlags(dev: Ptr, flags: number): Sleepable<number> {
    const old = this.k.struct('net_device').get(dev, 'flags');
    const error = yield* this.setFlags(dev, flags);
    if (error === 0) yield* this.notifyFlags(dev, old);
    return error;
  }

  /** __dev_change_flags(): up or down, and what user space has counted of promiscuity. Nobody is told yet. */
  private *setFlags(dev: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('net_device');
    const old = type.get(dev, 'flags');
    type.set(dev, 'flags', ((old & ~CHANGEABLE) | (flags & CHANGEABLE)) >>> 0);
    if ((old ^ flags) & k.enumValue('IFF_UP')) {
      if (old & k.enumValue('IFF_UP')) yield* this.closeOne(dev);
      else {
        const error = yield* this.openOne(dev);
        if (error !== 0) return error;
      }
    }
    for (const [counter, name] of COUNTED) {
      const flag = k.enumValue(name);
      if (((flags ^ type.get(dev, 'gflags')) & flag) === 0) continue;
      type.set(dev, 'gflags', type.get(dev, 'gflags') ^ flag);
      yield* this.count(dev, counter, name, flags & flag ? 1 : -1);
    }
    return 0;
  }

  /** __dev_notify_flags(): of a device that came up or went down, and of what else changed of one that is up. */
  private *notifyFlags(dev: Ptr, old: number): Sleepable<void> {
    const { k } = this;
    const up = k.enumValue('IFF_UP');
    const now = k.struct('net_device').get(dev, 'flags');
    const changes = now ^ old;
    if (changes & up) yield* k.get(DeviceNotifiers).call(now & up ? 'NETDEV_UP' : 'NETDEV_DOWN', dev);
    if (now & up && changes & ~(up | k.enumValue('IFF_PROMISC') | k.enumValue('IFF_ALLMULTI')))
      yield* k.get(DeviceNotifiers).call('NETDEV_CHANGE', dev);
  }

  /** dev_get_flags(): what user space sees of a device's flags. */
  /** dev_get_flags(): as user space sees them. */
  flags(dev: Ptr): number {
    const type = this.k.struct('net_device');
    let flags = type.get(dev, 'flags') & ~0x1_0340;
    flags |= type.get(dev, 'gflags') & 0x300;
    const running = this.state(dev, '__LINK_STATE_START');
    if (running && !this.state(dev, '__LINK_STATE_NOCARRIER')) flags |= 0x1_0040;
    return flags >>> 0;
  }

  private *count(
    dev: Ptr,
    counter: 'promiscuity' | 'allmulti',
    name: (typeof COUNTED)[number][1],
    by: number,
  ): Sleepable<number> {
    const { k } = this;
    const flag = k.enumValue(name);
    const type = k.struct('net_device');
    const before = type.get(dev, counter);
    const after = before + by;
    if (after < 0) return -EINVAL;
    type.set(dev, counter, after);
    const flags = type.get(dev, 'flags');
    type.set(dev, 'flags', after > 0 ? flags | flag : flags & ~flag);
    if (before > 0 === after > 0) return 0;
    if (counter === 'promiscuity') {
      const name = k.get(NetDevices).name(dev);
      k.log.line(`device ${name} ${after > 0 ? 'entered' : 'left'} promiscuous mode`, LOGLEVEL_INFO);
    }
    yield* k.get(DeviceAddressLists).setReceiveMode(dev);
    return 0;
  }

  private *setMtu(dev: Ptr, mtu: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('net_device');
    const old = type.get(dev, 'mtu');
    if (mtu === old) return 0;
    const name = k.get(NetDevices).name(dev);
    const [low, high] = [type.get(dev, 'min_mtu'), type.get(dev, 'max_mtu')];
    if (mtu < 0 || mtu < low || (high > 0 && mtu > high)) {
      const which = mtu < 0 || mtu < low ? 'less than device minimum' : 'greater than device maximum';
      k.log.line(`${name}: mtu ${which}`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    if (!this.state(dev, '__LINK_STATE_PRESENT')) return -ENODEV;
    const refused = yield* k.get(DeviceNotifiers).call('NETDEV_PRECHANGEMTU', dev);
    if (refused) return refused;
    const ops = k.struct('net_device_ops');
    const table = type.get(dev, 'netdev_ops');
    const changes = ops.get(table, 'ndo_change_mtu') !== 0;
    const error = changes ? yield* ops.call(table, 'ndo_change_mtu', dev, mtu) : 0;
    if (error) return error;
    if (!changes) type.set(dev, 'mtu', mtu);
    return yield* k.get(DeviceNotifiers).call('NETDEV_CHANGEMTU', dev);
  }

  private *carrier(dev: Ptr, on: boolean): Sleepable<void> {
    if (this.state(dev, '__LINK_STATE_NOCARRIER') === !on) return;
    this.setState(dev, '__LINK_STATE_NOCARRIER', !on);
    const type = this.k.struct('net_device');
    if (type.get(dev, 'reg_state') === this.k.enumValue('NETREG_UNINITIALIZED')) return;
    const counter = `carrier_${on ? 'up' : 'down'}_count.counter`;
    type.set(dev, counter, type.get(dev, counter) + 1);
    yield* this.k.get(LinkWatch).fire(dev);
  }
}

import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceNotifiers } from './dev-notifiers.js';
import { DeviceRegistration } from './dev-register.js';
import { features } from './features.js';

/** Features of devices that are made of others (net/core/dev.c). */
export class DeviceFeatures implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    netdev_increment_features: (all: bigint, one: bigint, mask: bigint) => this.increment(all, one, mask),
    netdev_update_features: (dev: Ptr) => this.update(dev),
  };

  readonly signatures = { netdev_increment_features: 'Q:QQQ' };

  /** What a device has that stands on several: some features if any has them, some only if all do. */
  private increment(all: bigint, one: bigint, mask: bigint): bigint {
    const { k } = this;
    const full = features(k, 'HW_CSUM');
    const sums = features(k, 'HW_CSUM', 'IP_CSUM', 'IPV6_CSUM');
    const allowed = mask | features(k, 'VLAN_CHALLENGED') | ((mask & full) !== 0n ? sums : 0n);
    let result = all | (one & (features(k, ...ANY_HAS) | sums) & allowed);
    result &= one | ~features(k, 'NOCACHE_COPY', 'FSO');
    return (result & full) !== 0n ? result & ~(sums & ~full) : result;
  }

  private *update(dev: Ptr): Sleepable<void> {
    if (yield* this.k.get(DeviceRegistration).updateFeatures(dev))
      yield* this.k.get(DeviceNotifiers).call('NETDEV_FEAT_CHANGE', dev);
  }
}

/** Features that the whole has as soon as one of its parts does. */
const ANY_HAS = [
  'TSO',
  'TSO6',
  'TSO_ECN',
  'TSO_MANGLEID',
  'GSO_SCTP',
  'GSO_UDP_L4',
  'GSO_FRAGLIST',
  'GSO_ROBUST',
  'SG',
  'HIGHDMA',
  'FRAGLIST',
  'VLAN_CHALLENGED',
] as const;

import type { Ptr } from '../../../cpu/layout.js';
import { runNow } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceAllocation } from './dev-alloc.js';
import { DeviceRegistration } from './dev-register.js';
import { ETH_ALEN, ETH_HLEN } from './eth.js';
import { features } from './features.js';
import { Rtnl } from './rtnl.js';

const ARPHRD_LOOPBACK = 772;
const MTU = 64 * 1024;

/** lo, the first network device of a namespace (drivers/net/loopback.c). It is down until somebody brings it up. */
export class Loopback implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const setup = k.exports.hostFunction('loopback_setup', 'v:p', (dev: Ptr) => this.setup(dev));
    const dev = runNow(k.get(DeviceAllocation).allocate(0, 'lo', 1, setup, 1, 1));
    runNow(k.get(Rtnl).with(() => k.get(DeviceRegistration).register(dev)));
    k.struct('net').set(k.symbol('init_net'), 'loopback_dev', dev);
  }

  private setup(dev: Ptr): void {
    const { k } = this;
    const type = k.struct('net_device');
    type.set(dev, 'mtu', MTU);
    type.set(dev, 'hard_header_len', ETH_HLEN);
    type.set(dev, 'min_header_len', ETH_HLEN);
    type.set(dev, 'addr_len', ETH_ALEN);
    type.set(dev, 'type', ARPHRD_LOOPBACK);
    type.set(dev, 'flags', k.enumValue('IFF_LOOPBACK'));
    const flags = k.enumValue('IFF_LIVE_ADDR_CHANGE') + k.enumValue('IFF_NO_QUEUE');
    type.set(dev, 'priv_flags', type.get(dev, 'priv_flags') + flags);
    const always = features(
      k,
      'SG',
      'FRAGLIST',
      'HW_CSUM',
      'RXCSUM',
      'SCTP_CRC',
      'HIGHDMA',
      'LLTX',
      'NETNS_LOCAL',
      'VLAN_CHALLENGED',
      'LOOPBACK',
    );
    type.setBig(dev, 'features', always);
    // From 6.12 on these two are no features any more.
    for (const member of ['lltx', 'netns_local']) if (type.has(member)) type.set(dev, member, 1);
    type.set(dev, 'header_ops', k.symbol('eth_header_ops'));
    type.set(dev, 'netdev_ops', k.permanent(k.sizeOf('net_device_ops')));
    type.set(dev, 'needs_free_netdev', 1);
  }
}

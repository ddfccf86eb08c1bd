import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceNotifiers } from '../core/dev-notifiers.js';
import { ARPHRD_ETHER } from '../core/eth.js';
import { linkState } from '../core/link-state.js';
import { NetDevices } from '../core/netdevices.js';
import { Ipv6 } from './af-inet6.js';

/** IF_OPER_UNKNOWN, IF_OPER_UP: states of a device that packets go through. */
const USABLE: readonly number[] = [0, 6];

/** What IPv6 says of links that become ready after their device came up (addrconf_notify() in net/ipv6/addrconf.c). Addresses it gives none. */
export class Ipv6LinkReady implements Subsystem {
  static readonly builtIn = 'CONFIG_IPV6';

  readonly exports = {};
  private readonly ready = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    this.k.get(DeviceNotifiers).listen((event, dev) => this.heard(event, dev));
  }

  private heard(event: string, dev: Ptr): void {
    const { k } = this;
    if (event === 'NETDEV_DOWN' || event === 'NETDEV_UNREGISTER') this.ready.delete(dev);
    if (event !== 'NETDEV_UP' && event !== 'NETDEV_CHANGE') return;
    if (!this.isUsable(dev) || this.ready.has(dev)) return;
    this.ready.add(dev);
    if (event === 'NETDEV_CHANGE' && k.get(Ipv6).exports.ipv6_mod_enabled())
      k.log.line(`IPv6: ADDRCONF(NETDEV_CHANGE): ${k.get(NetDevices).name(dev)}: link becomes ready`);
  }

  /** addrconf_link_ready() */
  private isUsable(dev: Ptr): boolean {
    const { k } = this;
    const type = k.struct('net_device');
    const isUp = (type.get(dev, 'flags') & k.enumValue('IFF_UP')) !== 0;
    const hasCarrier = !linkState(k, dev, '__LINK_STATE_NOCARRIER');
    return (
      type.get(dev, 'type') === ARPHRD_ETHER &&
      isUp &&
      hasCarrier &&
      USABLE.includes(type.get(dev, 'operstate'))
    );
  }
}

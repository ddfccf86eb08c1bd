import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Listeners } from '../../../kernel/listeners.js';
import type { LinuxKernel } from '../../kernel.js';
import { Notifiers } from '../../locking/notifier.js';
import type { Subsystem } from '../../subsystem.js';
import { NetDevices } from './netdevices.js';
import { PernetOperations } from './pernet.js';
import { Rtnl } from './rtnl.js';

/** NOTIFY_STOP_MASK | an errno: notifier_to_errno() (include/linux/notifier.h). */
const STOP = 0x8000;

/** A part of the base kernel that wants to hear of network devices before modules do. */
type DeviceListener = (event: string, dev: Ptr) => void | Sleepable<void>;

/** The chain of those who are told of network devices' changes (net/core/dev.c, netdev_chain). */
export class DeviceNotifiers implements Subsystem {
  private readonly listeners = new Listeners<DeviceListener>();

  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = ['netdev_chain'];
  readonly exports = {
    register_netdevice_notifier: (block: Ptr) => this.locked(() => this.register(block, this.globalChain)),
    unregister_netdevice_notifier: (block: Ptr) =>
      this.locked(() => this.unregister(block, this.globalChain)),
    register_netdevice_notifier_net: (net: Ptr, block: Ptr) =>
      this.k.get(Rtnl).with(() => this.register(block, this.netChain(net))),
    unregister_netdevice_notifier_net: (net: Ptr, block: Ptr) =>
      this.k.get(Rtnl).with(() => this.unregister(block, this.netChain(net))),
    register_netdevice_notifier_dev_net: (dev: Ptr, block: Ptr, nn: Ptr) =>
      this.k.get(Rtnl).with(() => this.registerWithDevice(dev, block, nn)),
    unregister_netdevice_notifier_dev_net: (dev: Ptr, block: Ptr, nn: Ptr) =>
      this.k.get(Rtnl).with(() => this.unregisterWithDevice(dev, block, nn)),
    call_netdevice_notifiers: (event: number, dev: Ptr) => this.callWith(event, dev),
  };

  listen(listener: DeviceListener): () => void {
    return this.listeners.add(listener);
  }

  /** call_netdevice_notifiers(): the base kernel's own parts, then the chains. A negative errno, or 0. */
  *call(event: string, dev: Ptr): Sleepable<number> {
    for (const listener of this.listeners) yield* this.k.wait(listener(event, dev) ?? undefined);
    return errnoOf(yield* this.callWith(this.k.enumValue(event), dev));
  }

  private *callWith(event: number, dev: Ptr): Sleepable<number> {
    const { k } = this;
    const info = this.info(dev);
    const net = k.get(NetDevices).net(dev);
    const notifiers = k.get(Notifiers);
    let result = yield* notifiers.callChain(this.netChain(net), event, info, 'raw_notifier_head');
    if ((result & STOP) === 0)
      result = yield* notifiers.callChain(this.globalChain, event, info, 'raw_notifier_head');
    k.slab.free(info);
    return result;
  }

  /** A new block hears of the devices there are, as if they had just come. */
  private *register(block: Ptr, chain: Ptr): Sleepable<number> {
    const { k } = this;
    const error = k.get(Notifiers).register(chain, block, false, 'raw_notifier_head');
    if (error) return error;
    const told: Ptr[] = [];
    for (const dev of k.get(NetDevices).all()) {
      const refused = errnoOf(yield* this.tell(block, 'NETDEV_REGISTER', dev));
      if (refused !== 0) {
        for (const known of told) yield* this.tellGone(block, known);
        k.get(Notifiers).unregister(chain, block, 'raw_notifier_head');
        return refused;
      }
      told.push(dev);
      if (isUp(k, dev)) yield* this.tell(block, 'NETDEV_UP', dev);
    }
    return 0;
  }

  /** A leaving block hears of every device as if it went. */
  private *unregister(block: Ptr, chain: Ptr): Sleepable<number> {
    const { k } = this;
    const error = k.get(Notifiers).unregister(chain, block, 'raw_notifier_head');
    if (error) return error;
    for (const dev of k.get(NetDevices).all()) yield* this.tellGone(block, dev);
    return 0;
  }

  private *registerWithDevice(dev: Ptr, block: Ptr, nn: Ptr): Sleepable<number> {
    const type = this.k.struct('netdev_net_notifier');
    const error = yield* this.register(block, this.netChain(this.k.get(NetDevices).net(dev)));
    if (error === 0) {
      type.set(nn, 'nb', block);
      const head = this.k.struct('net_device').addr(dev, 'net_notifier_list');
      const { space } = this.k;
      const node = type.addr(nn, 'list');
      const next = space.loadPtr(head);
      space.storePtr(node, next);
      space.storePtr(node + 8, head);
      space.storePtr(next + 8, node);
      space.storePtr(head, node);
    }
    return error;
  }

  private *unregisterWithDevice(dev: Ptr, block: Ptr, nn: Ptr): Sleepable<number> {
    const { space } = this.k;
    const node = this.k.struct('netdev_net_notifier').addr(nn, 'list');
    const [next, prev] = [space.loadPtr(node), space.loadPtr(node + 8)];
    space.storePtr(prev, next);
    space.storePtr(next + 8, prev);
    return yield* this.unregister(block, this.netChain(this.k.get(NetDevices).net(dev)));
  }

  private *tellGone(block: Ptr, dev: Ptr): Sleepable<void> {
    if (isUp(this.k, dev)) {
      yield* this.tell(block, 'NETDEV_GOING_DOWN', dev);
      yield* this.tell(block, 'NETDEV_DOWN', dev);
    }
    yield* this.tell(block, 'NETDEV_UNREGISTER', dev);
  }

  private *tell(block: Ptr, event: string, dev: Ptr): Sleepable<number> {
    const { k } = this;
    const info = this.info(dev);
    const type = k.struct('notifier_block');
    const result = yield* type.call(block, 'notifier_call', block, k.enumValue(event), info);
    k.slab.free(info);
    return result;
  }

  /** A struct netdev_notifier_info, big enough for the events whose info is larger. */
  private info(dev: Ptr): Ptr {
    const type = this.k.struct('netdev_notifier_info');
    const info = this.k.slab.allocateBytes(Math.max(type.size, 64), true);
    type.set(info, 'dev', dev);
    return info;
  }

  private *locked(body: () => Sleepable<number>): Sleepable<number> {
    return yield* this.k.get(PernetOperations).locked(() => this.k.get(Rtnl).with(body));
  }

  private get globalChain(): Ptr {
    return this.k.symbol('netdev_chain');
  }

  private netChain(net: Ptr): Ptr {
    return this.k.struct('net').addr(net, 'netdev_chain');
  }
}

function isUp(k: LinuxKernel, dev: Ptr): boolean {
  return (k.struct('net_device').get(dev, 'flags') & k.enumValue('IFF_UP')) !== 0;
}

/** notifier_to_errno() */
function errnoOf(result: number): number {
  const value = result & ~STOP;
  return value > 1 ? 1 - value : 0;
}

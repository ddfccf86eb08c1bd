import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_DEBUG, LOGLEVEL_EMERG } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { putDevice } from '../../drivers/base/device.js';
import { EEXIST, EINVAL, EIO } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { Timers } from '../../time/timer.js';
import { warn } from '../../warn.js';
import { DeviceAddressLists } from './dev-addr-lists.js';
import { DeviceAllocation } from './dev-alloc.js';
import { DeviceNotifiers } from './dev-notifiers.js';
import { DeviceOpening } from './dev-open.js';
import { features } from './features.js';
import { LinkWatch } from './link-watch.js';
import { NetSysfs } from './net-sysfs.js';
import { isValidName, NetDevices } from './netdevices.js';
import { Rtnl } from './rtnl.js';
import { TransmitQueues } from './tx-queues.js';

const SOURCE = 'net/core/dev.c';
/** How long an unregistered device waits for its last users before it complains, and between looks. */
const COMPLAIN_NS = 10e9;
const LOOK_MS = 250;

/** Registration of network devices and its undoing (net/core/dev.c). */
export class DeviceRegistration implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_netdev: (dev: Ptr) => this.k.get(Rtnl).with(() => this.register(dev)),
    register_netdevice: (dev: Ptr) => this.register(dev),
    unregister_netdev: (dev: Ptr) => this.k.get(Rtnl).with(() => this.unregister(dev)),
    unregister_netdevice_queue: (dev: Ptr, head: Ptr) => this.unregisterQueue(dev, head),
    unregister_netdevice_many: (head: Ptr) => this.unregisterMany(head),
    unregister_netdevice_many_notify: (head: Ptr, _portid: number, _nlh: Ptr) => this.unregisterMany(head),
  };

  /** register_netdevice(): under the RTNL. 0 or a negative errno. */
  *register(dev: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('net_device');
    const devices = k.get(NetDevices);
    const named = this.validName(dev);
    if (named < 0) return named;
    const ops = type.get(dev, 'netdev_ops');
    const operations = k.struct('net_device_ops');
    if (operations.get(ops, 'ndo_init') !== 0) {
      const error = yield* operations.call(ops, 'ndo_init', dev);
      if (error !== 0) return error > 0 ? -EIO : error;
    }
    const index = type.get(dev, 'ifindex');
    if (index === 0) type.set(dev, 'ifindex', devices.nextIndex(devices.net(dev)));
    this.initFeatures(dev);
    const refused = yield* k.get(DeviceNotifiers).call('NETDEV_POST_INIT', dev);
    if (refused) return yield* this.uninit(dev, refused);
    const error = yield* k.get(NetSysfs).register(dev);
    if (error) return yield* this.uninit(dev, error);
    type.set(dev, 'reg_state', k.enumValue('NETREG_REGISTERED'));
    yield* this.updateFeatures(dev);
    k.get(DeviceOpening).setState(dev, '__LINK_STATE_PRESENT', true);
    yield* k.get(LinkWatch).begin(dev);
    this.initScheduler(dev);
    devices.hold(dev);
    devices.add(dev);
    if (type.get(dev, 'addr_assign_type') === 0)
      k.space.writable(type.addr(dev, 'perm_addr'), type.get(dev, 'addr_len')).set(this.address(dev));
    const vetoed = yield* k.get(DeviceNotifiers).call('NETDEV_REGISTER', dev);
    if (vetoed) {
      type.set(dev, 'needs_free_netdev', 0);
      yield* this.unregister(dev);
    }
    return vetoed;
  }

  /** unregister_netdevice(): under the RTNL; its last part happens when that is released. */
  *unregister(dev: Ptr): Sleepable<void> {
    yield* this.unregisterAll([dev]);
  }

  private *unregisterQueue(dev: Ptr, head: Ptr): Sleepable<void> {
    if (head === 0) {
      yield* this.unregisterAll([dev]);
      return;
    }
    const { space } = this.k;
    const node = this.k.struct('net_device').addr(dev, 'unreg_list');
    if (!list.isEmpty(space, node)) list.delInit(space, node);
    list.addTail(space, node, head);
  }

  /** unregister_netdevice_many(): every device of a list through `unreg_list`; the list is empty afterwards. */
  *unregisterMany(head: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('net_device');
    const devices = [...list.entries(k.space, head)].map((node) => type.of(node, 'unreg_list'));
    for (const dev of devices) list.delInit(k.space, type.addr(dev, 'unreg_list'));
    yield* this.unregisterAll(devices);
  }

  private *unregisterAll(devices: readonly Ptr[]): Sleepable<void> {
    const { k } = this;
    const type = k.struct('net_device');
    const known = devices.filter((dev) => this.isKnown(dev));
    for (const dev of known) {
      type.set(dev, 'dismantle', 1);
      yield* k.get(DeviceOpening).close(dev);
    }
    for (const dev of known) {
      k.get(NetDevices).remove(dev);
      type.set(dev, 'reg_state', k.enumValue('NETREG_UNREGISTERING'));
    }
    for (const dev of known) {
      yield* k.get(TransmitQueues).resetXps(dev, 0);
      // Without disciplines of native code's there is nothing to shut down.
      if (k.get(TransmitQueues).isActive(dev)) yield { kind: 'call', fn: k.fn('dev_shutdown'), args: [dev] };
      yield* k.get(DeviceNotifiers).call('NETDEV_UNREGISTER', dev);
      k.get(DeviceAddressLists).flush(dev, 'uc');
      k.get(DeviceAddressLists).flush(dev, 'mc');
      yield* this.callUninit(dev);
      yield* k.get(NetSysfs).unregister(dev);
      k.get(NetDevices).put(dev);
      k.get(Rtnl).later(() => this.finish(dev));
    }
  }

  /** netdev_run_todo(): waits for the last user, then lets go of the device. */
  private *finish(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('net_device');
    yield* k.get(LinkWatch).forget(dev);
    yield* this.awaitReferences(dev);
    type.set(dev, 'reg_state', k.enumValue('NETREG_UNREGISTERED'));
    if (type.get(dev, 'priv_destructor') !== 0) yield* type.call(dev, 'priv_destructor', dev);
    if (type.get(dev, 'needs_free_netdev')) yield* k.get(DeviceAllocation).free(dev);
    yield* putDevice(k, type.addr(dev, 'dev'));
  }

  private *awaitReferences(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const devices = k.get(NetDevices);
    let complained = k.now();
    while (devices.references(dev) !== 1) {
      yield* k.wait(k.get(Delays).exports.msleep(LOOK_MS));
      if (k.now() - complained < COMPLAIN_NS) continue;
      complained = k.now();
      const users = devices.references(dev);
      const text = `waiting for ${devices.name(dev)} to become free. Usage count = ${users}`;
      k.log.line(`unregister_netdevice: ${text}`, LOGLEVEL_EMERG);
    }
  }

  private isKnown(dev: Ptr): boolean {
    const { k } = this;
    if (k.struct('net_device').get(dev, 'reg_state') === k.enumValue('NETREG_REGISTERED')) return true;
    k.log.line(
      `unregister_netdevice: device ${k.get(NetDevices).name(dev)}/ never was registered`,
      LOGLEVEL_DEBUG,
    );
    warn(k, '', SOURCE, 'unregister_netdevice_many');
    return false;
  }

  private *uninit(dev: Ptr, error: number): Sleepable<number> {
    const type = this.k.struct('net_device');
    yield* this.callUninit(dev);
    if (type.get(dev, 'priv_destructor') !== 0) yield* type.call(dev, 'priv_destructor', dev);
    return error;
  }

  private *callUninit(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const operations = k.struct('net_device_ops');
    const ops = k.struct('net_device').get(dev, 'netdev_ops');
    if (operations.get(ops, 'ndo_uninit') !== 0) yield* operations.call(ops, 'ndo_uninit', dev);
  }

  /** dev_get_valid_name() */
  private validName(dev: Ptr): number {
    const devices = this.k.get(NetDevices);
    const name = devices.name(dev);
    if (!isValidName(name)) return -EINVAL;
    if (name.includes('%')) return devices.allocateName(dev, name);
    return devices.named(name) === 0 ? 0 : -EEXIST;
  }

  private initFeatures(dev: Ptr): void {
    const { k } = this;
    const type = k.struct('net_device');
    const software = features(k, 'GSO', 'GRO');
    type.setBig(dev, 'hw_features', type.getBig(dev, 'hw_features') | software);
    type.setBig(dev, 'features', type.getBig(dev, 'features') | software);
    const wanted = type.getBig(dev, 'features') & type.getBig(dev, 'hw_features');
    type.setBig(dev, 'wanted_features', wanted);
    const high = features(k, 'HIGHDMA');
    type.setBig(dev, 'vlan_features', type.getBig(dev, 'vlan_features') | high);
    const partial = features(k, 'GSO_PARTIAL');
    const encapsulated = type.getBig(dev, 'hw_enc_features') | features(k, 'SG') | partial;
    type.setBig(dev, 'hw_enc_features', encapsulated);
    type.setBig(dev, 'mpls_features', type.getBig(dev, 'mpls_features') | features(k, 'SG'));
  }

  /** __netdev_update_features(): the driver may restrict what is wanted, then learns what is on. */
  *updateFeatures(dev: Ptr): Sleepable<boolean> {
    const { k } = this;
    const type = k.struct('net_device');
    const ops = type.get(dev, 'netdev_ops');
    const hardware = type.getBig(dev, 'hw_features');
    const current = type.getBig(dev, 'features');
    let wanted = (current & ~hardware) | (type.getBig(dev, 'wanted_features') & hardware);
    const operations = k.struct('net_device_ops');
    if (operations.get(ops, 'ndo_fix_features') !== 0)
      wanted = yield* operations.callBig(ops, 'ndo_fix_features', dev, wanted);
    wanted = this.consistent(wanted);
    if (wanted === current) return false;
    const sets = operations.get(ops, 'ndo_set_features') !== 0;
    if (sets && (yield* operations.call(ops, 'ndo_set_features', dev, wanted)) !== 0) return false;
    type.setBig(dev, 'features', wanted);
    return true;
  }

  /** netdev_fix_features(): what needs scatter-gather or checksums goes without them. */
  private consistent(wanted: bigint): bigint {
    const { k } = this;
    const has = (...names: string[]): boolean => (wanted & features(k, ...names)) !== 0n;
    let set = wanted;
    if (!has('HW_CSUM', 'IP_CSUM', 'IPV6_CSUM')) set &= ~features(k, 'TSO', 'TSO6', 'TSO_ECN');
    if (!has('SG')) set &= ~features(k, 'TSO', 'TSO6', 'TSO_ECN', 'TSO_MANGLEID', 'GSO');
    return set;
  }

  /** dev_init_scheduler(): no queueing discipline yet, so noop. */
  private initScheduler(dev: Ptr): void {
    const { k } = this;
    const type = k.struct('net_device');
    const queue = k.struct('netdev_queue');
    const noop = k.symbol('noop_qdisc');
    type.set(dev, 'qdisc', noop);
    // Only native code starts it, with queues that may stop.
    k.get(Timers).init(type.addr(dev, 'watchdog_timer'), k.addressOfNative('dev_watchdog') ?? 0, 0);
    for (const tx of k.get(TransmitQueues).of(dev)) {
      queue.set(tx, 'qdisc', noop);
      queue.set(tx, 'qdisc_sleeping', noop);
    }
  }

  private address(dev: Ptr): Uint8Array {
    const type = this.k.struct('net_device');
    return this.k.space.readable(type.get(dev, 'dev_addr'), type.get(dev, 'addr_len')).slice();
  }
}

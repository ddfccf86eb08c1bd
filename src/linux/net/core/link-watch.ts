import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Workqueues } from '../../sched/workqueue.js';
import type { Subsystem } from '../../subsystem.js';
import { hz, jiffiesNow } from '../../time/jiffies.js';
import { DeviceNotifiers } from './dev-notifiers.js';
import { linkState, setLinkState } from './link-state.js';
import { NetDevices } from './netdevices.js';
import { Rtnl } from './rtnl.js';
import { TransmitQueues } from './tx-queues.js';

const PENDING = '__LINK_STATE_LINKWATCH_PENDING';
/** What a link that is up counts as, by its mode: one that says of itself when it is ready is dormant or tested until then. */
const UP_IN_MODE: Readonly<Record<number, string>> = { 1: 'IF_OPER_DORMANT', 2: 'IF_OPER_TESTING' };

/**
 * Tells of links that come and go: a device's operational state, and NETDEV_CHANGE to who asked for it, by work and at most once a
 * second but for what cannot wait (net/core/link_watch.c).
 */
export class LinkWatch implements Subsystem {
  /** Devices with something to tell, oldest first. */
  private waiting: Ptr[] = [];
  private work: Ptr = 0;
  /** jiffies from when on changes that can wait are told of. */
  private nextEvent = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    linkwatch_fire_event: (dev: Ptr) => this.fire(dev),
    netdev_state_change: (dev: Ptr) => this.tell(dev),
    rtmsg_ifinfo: nothing('nobody listens to netlink groups', undefined),
  };

  boot(): void {
    const { k } = this;
    this.work = k.permanent(k.sizeOf('delayed_work'));
    const fn = k.exports.hostFunction('linkwatch_event', 'v:p', () =>
      k.get(Rtnl).with(() => this.runQueue(jiffiesNow(k) < this.nextEvent)),
    );
    k.get(Workqueues).init(k.struct('delayed_work').addr(this.work, 'work'), fn);
  }

  /** linkwatch_init_dev(): what a driver has said of its link before the device is registered. */
  *begin(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const said = ['__LINK_STATE_NOCARRIER', '__LINK_STATE_DORMANT', '__LINK_STATE_TESTING'];
    if (said.some((bit) => linkState(k, dev, bit))) yield* this.setOperState(dev);
  }

  /** linkwatch_forget_dev(): a device that goes has nothing left to tell. */
  *forget(dev: Ptr): Sleepable<void> {
    if (!this.waiting.includes(dev)) return;
    this.waiting = this.waiting.filter((other) => other !== dev);
    yield* this.handle(dev);
  }

  *fire(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const urgent = yield* this.isUrgent(dev);
    if (!linkState(k, dev, PENDING)) {
      setLinkState(k, dev, PENDING, true);
      k.get(NetDevices).hold(dev);
      this.waiting.push(dev);
    } else if (!urgent) return;
    this.schedule(urgent);
  }

  /** linkwatch_schedule_work(): at once what is urgent, and what comes more than a second after the last. */
  private schedule(urgent: boolean): void {
    const { k } = this;
    const queues = k.get(Workqueues);
    const left = this.nextEvent - jiffiesNow(k);
    const delay = urgent || left < 0 ? 0 : left;
    const queue = k.space.loadPtr(k.symbol('system_wq'));
    if (urgent) queues.cancelDelayed(this.work);
    queues.queueDelayed(queue, this.work, delay);
  }

  /** __linkwatch_run_queue(): what cannot wait, or everything, which is not to be done again for a second. */
  private *runQueue(urgentOnly: boolean): Sleepable<void> {
    const { k } = this;
    const devices = this.waiting.splice(0);
    if (!urgentOnly) this.nextEvent = jiffiesNow(k) + hz(k);
    for (const dev of devices) {
      if (!urgentOnly || (yield* this.isUrgent(dev))) yield* this.handle(dev);
      else this.waiting.push(dev);
    }
    if (this.waiting.length > 0) this.schedule(false);
  }

  /** linkwatch_do_dev() */
  private *handle(dev: Ptr): Sleepable<void> {
    const { k } = this;
    setLinkState(k, dev, PENDING, false);
    yield* this.setOperState(dev);
    yield* this.tell(dev);
    k.get(NetDevices).put(dev);
  }

  /** netdev_state_change(): of a device that is up. */
  private *tell(dev: Ptr): Sleepable<void> {
    const { k } = this;
    if (this.device.get(dev, 'flags') & k.enumValue('IFF_UP'))
      yield* k.get(DeviceNotifiers).call('NETDEV_CHANGE', dev);
  }

  /** linkwatch_urgent_event(): links that are a part of others; one that comes up while its queues drop what they get. */
  private *isUrgent(dev: Ptr): Sleepable<boolean> {
    const { k, device } = this;
    if (!linkState(k, dev, '__LINK_STATE_START')) return false;
    if (yield* this.isStacked(dev)) return true;
    const queue = k.struct('netdev_queue');
    const flags = device.get(dev, 'priv_flags');
    const lag = k.enumValue('IFF_BONDING') + k.enumValue('IFF_TEAM') + k.enumValue('IFF_TEAM_PORT');
    if ((flags & lag) !== 0) return true;
    return (
      !linkState(k, dev, '__LINK_STATE_NOCARRIER') &&
      k
        .get(TransmitQueues)
        .of(dev)
        .some((tx) => queue.get(tx, 'qdisc') !== queue.get(tx, 'qdisc_sleeping'))
    );
  }

  /** Whether the device's packets go over another (dev_get_iflink()). */
  private *isStacked(dev: Ptr): Sleepable<boolean> {
    const { k, device } = this;
    const operations = k.struct('net_device_ops');
    const ops = device.get(dev, 'netdev_ops');
    if (ops === 0 || operations.get(ops, 'ndo_get_iflink') === 0) return false;
    return (yield* operations.call(ops, 'ndo_get_iflink', dev)) !== device.get(dev, 'ifindex');
  }

  /** rfc2863_policy() */
  private *setOperState(dev: Ptr): Sleepable<void> {
    const { device } = this;
    const state = yield* this.stateOf(dev);
    const mode = device.get(dev, 'link_mode');
    const counted = state === 'IF_OPER_UP' ? (UP_IN_MODE[mode] ?? state) : state;
    device.set(dev, 'operstate', this.k.enumValue(counted));
  }

  /** default_operstate() */
  private *stateOf(dev: Ptr): Sleepable<string> {
    const { k } = this;
    if (linkState(k, dev, '__LINK_STATE_TESTING')) return 'IF_OPER_TESTING';
    if (linkState(k, dev, '__LINK_STATE_NOCARRIER'))
      return (yield* this.isStacked(dev)) ? 'IF_OPER_LOWERLAYERDOWN' : 'IF_OPER_DOWN';
    return linkState(k, dev, '__LINK_STATE_DORMANT') ? 'IF_OPER_DORMANT' : 'IF_OPER_UP';
  }

  private get device(): StructType {
    return this.k.struct('net_device');
  }
}

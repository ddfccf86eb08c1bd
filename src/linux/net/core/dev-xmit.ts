import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { LOGLEVEL_CRIT } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { ENETDOWN } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { jiffiesNow } from '../../time/jiffies.js';
import { features } from './features.js';
import { NetDevices } from './netdevices.js';
import { SkbAllocation } from './skb-alloc.js';
import { SkBuffs } from './skbuff.js';

const CHECKSUM_PARTIAL = 3;
/** Below it a packet is done with, sent or not (NET_XMIT_MASK, see dev_xmit_complete()). */
const NET_XMIT_MASK = 0x0f;
/** The driver or the stack has stopped the queue (QUEUE_STATE_ANY_XOFF). */
const QUEUE_STOPPED = 0b11;

/**
 * Sending a packet from a device (net/core/dev.c). A device that is down has the discipline that drops. One that is
 * up gets its packets at once, as its default discipline does while nothing is queued; queueing is not implemented.
 */
export class DeviceTransmission implements Subsystem {
  private readonly buffers: SkBuffs;

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  readonly exports = {
    __dev_queue_xmit: (skb: Ptr, subordinate: Ptr) => this.queueTransmit(skb, subordinate),
    dev_queue_xmit: (skb: Ptr) => this.queueTransmit(skb, 0),
    dev_hard_start_xmit: (first: Ptr, dev: Ptr, queue: Ptr, result: Ptr) =>
      this.startTransmit(first, dev, queue, result),
    netdev_core_pick_tx: (dev: Ptr, skb: Ptr, subordinate: Ptr) => this.coreChoice(dev, skb, subordinate),
  };

  private *queueTransmit(skb: Ptr, subordinate: Ptr): Sleepable<number> {
    const { k } = this;
    const { skb: type } = this.buffers;
    const dev = type.get(skb, 'dev');
    type.set(skb, 'mac_header', this.buffers.headroom(skb));
    const index = yield* this.pickQueue(dev, skb, subordinate);
    type.set(skb, 'queue_mapping', index);
    const queue = this.device.get(dev, '_tx') + index * k.sizeOf('netdev_queue');
    if (this.device.get(dev, 'flags') & k.enumValue('IFF_UP')) return yield* this.transmit(skb, dev, queue);
    return yield* this.enqueue(skb, k.struct('netdev_queue').get(queue, 'qdisc'));
  }

  private *coreChoice(dev: Ptr, skb: Ptr, subordinate: Ptr): Sleepable<Ptr> {
    const index = yield* this.pickQueue(dev, skb, subordinate);
    this.buffers.skb.set(skb, 'queue_mapping', index);
    return this.device.get(dev, '_tx') + index * this.k.sizeOf('netdev_queue');
  }

  /** netdev_core_pick_tx(): the driver's choice; without one the first, since packets have no flow hash here. */
  private *pickQueue(dev: Ptr, skb: Ptr, subordinate: Ptr): Sleepable<number> {
    const { k, device } = this;
    const count = device.get(dev, 'real_num_tx_queues');
    const operations = k.struct('net_device_ops');
    const ops = device.get(dev, 'netdev_ops');
    if (count === 1 || operations.get(ops, 'ndo_select_queue') === 0) return 0;
    const index = yield* operations.call(ops, 'ndo_select_queue', dev, skb, subordinate);
    return index < count ? index : 0;
  }

  /** Gives a packet to a discipline, and frees those that it does not keep. */
  private *enqueue(skb: Ptr, qdisc: Ptr): Sleepable<number> {
    const { k } = this;
    return yield* withLocals(k, 8, function* (toFree) {
      const result = yield* k.struct('Qdisc').call(qdisc, 'enqueue', skb, qdisc, toFree);
      yield* k.get(SkbAllocation).freeList(k.space.loadPtr(toFree));
      return result;
    });
  }

  private *transmit(skb: Ptr, dev: Ptr, queue: Ptr): Sleepable<number> {
    const { k } = this;
    this.validate(skb, dev);
    const operations = k.struct('net_device_ops');
    const ops = this.device.get(dev, 'netdev_ops');
    if (operations.get(ops, 'ndo_start_xmit') === 0)
      throw new Unimplemented(`sending from ${k.get(NetDevices).name(dev)}`, '');
    if (k.struct('netdev_queue').get(queue, 'state') === 0) {
      const result = yield* operations.call(ops, 'ndo_start_xmit', skb, dev);
      if (result === k.enumValue('NETDEV_TX_OK')) {
        k.struct('netdev_queue').set(queue, 'trans_start', jiffiesNow(k));
        return 0;
      }
    }
    if (this.device.get(dev, 'tx_queue_len') !== 0) throw new Unimplemented('queueing of packets', '');
    k.log.line(`Virtual device ${k.get(NetDevices).name(dev)} asks to queue packet!`, LOGLEVEL_CRIT);
    yield* k.wait(k.get(SkbAllocation).unref(skb));
    return -ENETDOWN;
  }

  /** dev_hard_start_xmit(): packets in a row to the driver, until it is busy; those that are left, and what it said last. */
  private *startTransmit(first: Ptr, dev: Ptr, queue: Ptr, result: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const { skb: type } = this.buffers;
    const operations = k.struct('net_device_ops');
    const txq = k.struct('netdev_queue');
    const store = (code: number): void => k.space.store32(result, code);
    store(k.enumValue('NETDEV_TX_OK'));
    for (let skb = first; skb !== 0; ) {
      const next = type.get(skb, 'next');
      type.set(skb, 'next', 0);
      const code = yield* operations.call(this.device.get(dev, 'netdev_ops'), 'ndo_start_xmit', skb, dev);
      store(code);
      if (code === k.enumValue('NETDEV_TX_OK')) txq.set(queue, 'trans_start', jiffiesNow(k));
      if (code >= NET_XMIT_MASK) {
        type.set(skb, 'next', next);
        return skb;
      }
      skb = next;
      if (skb === 0 || !(txq.get(queue, 'state') & QUEUE_STOPPED)) continue;
      store(k.enumValue('NETDEV_TX_BUSY'));
      return skb;
    }
    return 0;
  }

  /** validate_xmit_skb(): what the device cannot do itself would be done here. */
  private validate(skb: Ptr, dev: Ptr): void {
    const { skb: type, shared } = this.buffers;
    const able = this.device.getBig(dev, 'features');
    const sums = features(this.k, 'HW_CSUM', 'IP_CSUM', 'IPV6_CSUM');
    if (shared.get(this.buffers.info(skb), 'gso_size') !== 0)
      throw new Unimplemented('segmentation of packets to send', '');
    if (type.get(skb, 'ip_summed') === CHECKSUM_PARTIAL && (able & sums) === 0n)
      throw new Unimplemented('checksums of packets to send', '');
  }

  private get device(): StructType {
    return this.k.struct('net_device');
  }
}

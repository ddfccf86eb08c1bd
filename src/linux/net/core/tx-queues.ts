import type { Ptr } from '../../../cpu/layout.js';
import { partly } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { changeBit, testBit } from '../../abi/bit-ops.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { SoftirqQueue } from '../../softirq-queue.js';
import type { Subsystem } from '../../subsystem.js';

const NO_DIRECTORIES = 'directories of queues in sysfs do not come and go';

type Direction = 'tx' | 'rx';

/** A device's queues for sending, which its driver stops and wakes, and how many of its queues are in use (net/core/dev.c). */
export class TransmitQueues implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    netif_tx_wake_queue: (queue: Ptr) => this.wake(queue),
    netif_schedule_queue: (queue: Ptr) => this.scheduleQueue(queue),
    netif_tx_stop_all_queues: (dev: Ptr) => this.stopAll(dev),
    __netif_schedule: (qdisc: Ptr) => this.schedule(qdisc),
    __netif_reschedule: (qdisc: Ptr) => this.reschedule(qdisc),
    netif_set_real_num_tx_queues: partly(NO_DIRECTORIES, (dev: Ptr, count: number) =>
      this.setReal(dev, 'tx', count),
    ),
    netif_set_real_num_rx_queues: partly(NO_DIRECTORIES, (dev: Ptr, count: number) =>
      this.setReal(dev, 'rx', count),
    ),
    netif_set_real_num_queues: partly(NO_DIRECTORIES, (dev: Ptr, tx: number, rx: number) =>
      this.setBoth(dev, tx, rx),
    ),
  };

  private wake(queue: Ptr): void {
    const { k, queue: type } = this;
    const state = type.addr(queue, 'state');
    const stopped = k.enumValue('__QUEUE_STATE_DRV_XOFF');
    if (!testBit(k.space, state, stopped)) return;
    changeBit(k.space, state, stopped, false);
    this.schedule(type.get(queue, 'qdisc'));
  }

  private scheduleQueue(queue: Ptr): void {
    const { k, queue: type } = this;
    const state = type.addr(queue, 'state');
    const off = ['__QUEUE_STATE_DRV_XOFF', '__QUEUE_STATE_STACK_XOFF'];
    if (off.some((bit) => testBit(k.space, state, k.enumValue(bit)))) return;
    this.schedule(type.get(queue, 'qdisc'));
  }

  /** __netif_schedule() */
  private schedule(qdisc: Ptr): void {
    const { k } = this;
    if (qdisc === 0) return;
    const state = k.struct('Qdisc').addr(qdisc, 'state');
    const scheduled = k.enumValue('__QDISC_STATE_SCHED');
    if (testBit(k.space, state, scheduled)) return;
    changeBit(k.space, state, scheduled, true);
    this.reschedule(qdisc);
  }

  /** __netif_reschedule(): the discipline is run in a softirq. Packets are sent at once or not at all, so that it has none to send. */
  private reschedule(qdisc: Ptr): void {
    const { k } = this;
    const state = k.struct('Qdisc').addr(qdisc, 'state');
    const scheduled = k.enumValue('__QDISC_STATE_SCHED');
    // biome-ignore lint/correctness/useYield: interrupt work is a generator also where it never waits
    k.get(SoftirqQueue).raise('net_tx', function* () {
      changeBit(k.space, state, scheduled, false);
    });
  }

  private stopAll(dev: Ptr): void {
    const { k } = this;
    for (const queue of this.of(dev))
      changeBit(k.space, this.queue.addr(queue, 'state'), k.enumValue('__QUEUE_STATE_DRV_XOFF'), true);
  }

  /** A device's struct netdev_queues, whether it uses all of them or not. */
  of(dev: Ptr): readonly Ptr[] {
    const first = this.device.get(dev, '_tx');
    const count = this.device.get(dev, 'num_tx_queues');
    return Array.from({ length: count }, (_, i) => first + i * this.queue.size);
  }

  private *setReal(dev: Ptr, direction: Direction, count: number): Sleepable<number> {
    if (!this.has(dev, direction, count)) return -EINVAL;
    if (direction === 'tx') yield* this.resetXps(dev, count);
    this.device.set(dev, `real_num_${direction}_queues`, count);
    return 0;
  }

  /** netif_set_real_num_queues(): both or neither. */
  private *setBoth(dev: Ptr, tx: number, rx: number): Sleepable<number> {
    if (!this.has(dev, 'tx', tx) || !this.has(dev, 'rx', rx)) return -EINVAL;
    return (yield* this.setReal(dev, 'tx', tx)) || (yield* this.setReal(dev, 'rx', rx));
  }

  /** netif_reset_xps_queues_gt(): no processor sends over a queue that is no more. Maps of who sends over which are native code's. */
  *resetXps(dev: Ptr, from: number): Sleepable<void> {
    const { k, device } = this;
    if (!device.has('xps_maps')) return;
    const maps = device.member('xps_maps').size / 8;
    const first = device.addr(dev, 'xps_maps');
    const mapped = Array.from({ length: maps }, (_, i) => k.space.loadPtr(first + 8 * i));
    if (mapped.every((map) => map === 0)) return;
    const count = device.get(dev, 'num_tx_queues') - from;
    yield { kind: 'call', fn: k.fn('netif_reset_xps_queues'), args: [dev, from, count] };
  }

  /** Whether native code has given a device disciplines of its own (dev_activate()): TypeScript leaves it with that which drops. */
  isActive(dev: Ptr): boolean {
    const noop = this.k.symbol('noop_qdisc');
    return this.of(dev)
      .map((queue) => this.queue.get(queue, 'qdisc_sleeping'))
      .some((qdisc) => qdisc !== noop && qdisc !== 0);
  }

  private has(dev: Ptr, direction: Direction, count: number): boolean {
    return count >= 1 && count <= this.device.get(dev, `num_${direction}_queues`);
  }

  private get device(): StructType {
    return this.k.struct('net_device');
  }

  private get queue(): StructType {
    return this.k.struct('netdev_queue');
  }
}

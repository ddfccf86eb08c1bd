import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { type Sleepable, yieldCpu } from '../../../kernel/effects.js';
import { changeBit, testBit } from '../../abi/bit-ops.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import { SoftirqQueue } from '../../softirq-queue.js';
import type { Subsystem } from '../../subsystem.js';
import { servingSoftirq } from '../../time/softirq-context.js';
import { NetDevices } from './netdevices.js';

/** NAPI contexts: drivers' polling functions, run as a softirq (net/core/dev.c). */
export class Napi implements Subsystem {
  private nextId = 8193;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    netif_napi_add_weight: (dev: Ptr, napi: Ptr, poll: Ptr, weight: number) =>
      this.add(dev, napi, poll, weight),
    __netif_napi_del: (napi: Ptr) => this.remove(napi),
    napi_enable: (napi: Ptr) => this.enable(napi),
    napi_disable: (napi: Ptr) => this.disable(napi),
    napi_schedule_prep: (napi: Ptr) => this.prepare(napi),
    __napi_schedule: (napi: Ptr) => this.schedule(napi),
    __napi_schedule_irqoff: (napi: Ptr) => this.schedule(napi),
    napi_watchdog: (timer: Ptr) => this.watch(timer),
    napi_busy_loop: nothing('nobody polls devices for a socket', undefined),
    dev_get_by_napi_id: (id: number) => this.deviceOf(id),
    napi_complete_done: (napi: Ptr, _done: number) => this.complete(napi),
  };

  add(dev: Ptr, napi: Ptr, poll: Ptr, weight: number): void {
    const { k, napi: type } = this;
    if (this.has(napi, 'NAPI_STATE_LISTED')) return;
    for (const head of ['poll_list', 'rx_list']) list.init(k.space, type.addr(napi, head));
    const bucket = k.struct('gro_list');
    const buckets = type.member('gro_hash').size / bucket.size;
    for (let i = 0; i < buckets; i++) list.init(k.space, type.addr(napi, 'gro_hash') + i * bucket.size);
    type.set(napi, 'poll', poll);
    type.set(napi, 'weight', weight);
    type.set(napi, 'dev', dev);
    type.set(napi, 'napi_id', this.nextId++);
    type.set(napi, 'state', 0);
    this.change(napi, 'NAPI_STATE_LISTED', true);
    this.change(napi, 'NAPI_STATE_SCHED', true);
    this.change(napi, 'NAPI_STATE_NPSVC', true);
    list.add(k.space, type.addr(napi, 'dev_list'), k.struct('net_device').addr(dev, 'napi_list'));
  }

  remove(napi: Ptr): void {
    if (!this.has(napi, 'NAPI_STATE_LISTED')) return;
    this.change(napi, 'NAPI_STATE_LISTED', false);
    list.delInit(this.k.space, this.napi.addr(napi, 'dev_list'));
  }

  enable(napi: Ptr): void {
    for (const bit of ['NAPI_STATE_SCHED', 'NAPI_STATE_NPSVC', 'NAPI_STATE_DISABLE'])
      this.change(napi, bit, false);
  }

  /** napi_disable(): waits for a poll in progress, then keeps further ones out. */
  *disable(napi: Ptr): Sleepable<void> {
    this.k.traps.mightSleep('net/core/dev.c', 6489);
    this.change(napi, 'NAPI_STATE_DISABLE', true);
    while (this.has(napi, 'NAPI_STATE_SCHED') || this.has(napi, 'NAPI_STATE_NPSVC')) yield* yieldCpu();
    this.change(napi, 'NAPI_STATE_SCHED', true);
    this.change(napi, 'NAPI_STATE_NPSVC', true);
    this.change(napi, 'NAPI_STATE_DISABLE', false);
  }

  /** Whether the caller may schedule the context: it is neither scheduled nor disabled. */
  private prepare(napi: Ptr): boolean {
    if (this.has(napi, 'NAPI_STATE_DISABLE') || this.has(napi, 'NAPI_STATE_SCHED')) return false;
    this.change(napi, 'NAPI_STATE_SCHED', true);
    return true;
  }

  /** napi_watchdog(): a context that waited before it asked for interrupts again is polled. Its timer is not started again. */
  private watch(timer: Ptr): number {
    const { k } = this;
    const napi = this.napi.of(timer, 'timer');
    if (this.prepare(napi)) this.schedule(napi);
    return k.enumValue('HRTIMER_NORESTART');
  }

  /** Polls until the driver has less than its weight of work and says that it is complete. */
  private schedule(napi: Ptr): void {
    const { k, napi: type } = this;
    const weight = type.get(napi, 'weight');
    const again = (): void => this.schedule(napi);
    k.get(SoftirqQueue).raise('napi', function* () {
      const done = yield* servingSoftirq(k, type.call(napi, 'poll', napi, weight));
      if (done >= weight) again();
    });
  }

  private complete(napi: Ptr): boolean {
    this.change(napi, 'NAPI_STATE_SCHED', false);
    return true;
  }

  /** The device of a context's number; 0 for none. */
  private deviceOf(id: number): Ptr {
    const { k, napi: type } = this;
    return k.get(NetDevices).find((dev) => {
      const head = k.struct('net_device').addr(dev, 'napi_list');
      return [...list.entries(k.space, head)].some(
        (node) => type.get(type.of(node, 'dev_list'), 'napi_id') === id,
      );
    });
  }

  private has(napi: Ptr, bit: string): boolean {
    return testBit(this.k.space, this.napi.addr(napi, 'state'), this.k.enumValue(bit));
  }

  private change(napi: Ptr, bit: string, on: boolean): void {
    changeBit(this.k.space, this.napi.addr(napi, 'state'), this.k.enumValue(bit), on);
  }

  private get napi(): StructType {
    return this.k.struct('napi_struct');
  }
}

import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { Task } from '../../kernel/task/task.js';
import { EINVAL, ENOBUFS, ENOPROTOOPT } from '../errno.js';
import { Epochs } from '../kern/epoch.js';
import { Mbufs } from '../kern/kern-mbuf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Vnet } from './vnet.js';

/** A protocol that takes packets: struct netisr_handler. */
interface Handler {
  readonly at: Ptr;
  readonly name: string;
  readonly proto: number;
  readonly handler: Ptr;
  limit: number;
  dropped: bigint;
  /** Packets that wait, with the network stack that they are of. */
  readonly queue: { readonly m: Ptr; readonly vnet: Ptr }[];
}

/** net.isr.defaultqlimit, and the most that may be asked for (net.isr.maxqlimit). */
const DEFAULT_LIMIT = 256;
const MAX_LIMIT = 10_240;
const PROTOCOLS = 16;

/** netisr(9) (sys/net/netisr.c): packets' way to protocols, directly or through a queue that a thread works off. */
export class Netisr implements Subsystem {
  private readonly handlers = new Map<number, Handler>();
  private thread: Task | undefined;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    netisr_register: (handler: Ptr) => this.register(handler),
    netisr_unregister: (handler: Ptr) => this.unregister(handler),
    // One handler serves all network stacks.
    netisr_register_vnet: constant(undefined),
    netisr_unregister_vnet: (handler: Ptr) => this.dropOf(handler),
    netisr_dispatch: (proto: number, m: Ptr) => this.dispatch(proto, m),
    netisr_dispatch_src: (proto: number, _source: Ptr, m: Ptr) => this.dispatch(proto, m),
    netisr_queue: (proto: number, m: Ptr) => this.enqueue(proto, m),
    netisr_queue_src: (proto: number, _source: Ptr, m: Ptr) => this.enqueue(proto, m),
    netisr_getqlimit: (handler: Ptr, limit: Ptr) => this.k.space.store32(limit, this.of(handler).limit),
    netisr_setqlimit: (handler: Ptr, limit: number) => this.setLimit(handler, limit),
    netisr_getqdrops: (handler: Ptr, drops: Ptr) => this.k.space.store64(drops, this.of(handler).dropped),
    netisr_clearqdrops: (handler: Ptr) => {
      this.of(handler).dropped = 0n;
    },
    netisr_get_cpucount: constant(1),
    netisr_get_cpuid: constant(0),
    netisr_default_flow2cpu: constant(0),
  };

  private register(at: Ptr): void {
    const { k } = this;
    const type = k.struct('netisr_handler');
    const [name, proto] = [type.string(at, 'nh_name'), type.get(at, 'nh_proto')];
    if (proto >= PROTOCOLS) k.panic(`netisr_register(${proto}, ${name}): protocol too high`);
    const known = this.handlers.get(proto);
    if (known) k.panic(`netisr_register(${proto}, ${name}): name "${known.name}" is there already`);
    const wanted = type.get(at, 'nh_qlimit') || DEFAULT_LIMIT;
    const handler = type.get(at, 'nh_handler');
    const limit = Math.min(wanted, MAX_LIMIT);
    this.handlers.set(proto, { at, name, proto, handler, limit, dropped: 0n, queue: [] });
    k.origins.note(at);
  }

  private of(at: Ptr): Handler {
    const proto = this.k.struct('netisr_handler').get(at, 'nh_proto');
    const handler = this.handlers.get(proto);
    return handler ?? this.k.panic(`netisr: protocol ${proto} is not registered`);
  }

  private setLimit(at: Ptr, limit: number): number {
    if (limit > MAX_LIMIT) return EINVAL;
    this.of(at).limit = limit;
    return 0;
  }

  private *unregister(at: Ptr): Sleepable<void> {
    const handler = this.of(at);
    this.handlers.delete(handler.proto);
    this.k.origins.forget(at);
    for (const { m } of handler.queue.splice(0)) yield* this.k.get(Mbufs).freem(m);
  }

  /** Packets of a network stack that goes. */
  private *dropOf(at: Ptr): Sleepable<void> {
    const { k } = this;
    const { queue } = this.of(at);
    const vnet = k.get(Vnet).current;
    const gone = queue.filter((one) => one.vnet === vnet);
    queue.splice(0, queue.length, ...queue.filter((one) => one.vnet !== vnet));
    for (const { m } of gone) yield* k.get(Mbufs).freem(m);
  }

  /** To the protocol at once; nobody's packet is dropped. */
  *dispatch(proto: number, m: Ptr): Sleepable<number> {
    const handler = this.handlers.get(proto);
    if (!handler) return yield* this.drop(m);
    yield* this.k.callAs('v:p', handler.handler, m);
    return 0;
  }

  private *drop(m: Ptr): Sleepable<number> {
    yield* this.k.get(Mbufs).freem(m);
    return ENOPROTOOPT;
  }

  private *enqueue(proto: number, m: Ptr): Sleepable<number> {
    const { k } = this;
    const handler = this.handlers.get(proto);
    if (!handler) return yield* this.drop(m);
    if (handler.queue.length >= handler.limit) {
      handler.dropped++;
      yield* k.get(Mbufs).freem(m);
      return ENOBUFS;
    }
    handler.queue.push({ m, vnet: k.get(Vnet).current });
    if (this.thread && !this.thread.ended) k.scheduler.wake(this.thread);
    else
      this.thread = k.processes.spawn({ name: 'swi1: netisr 0', process: k.processes.kernel }, this.work());
    return 0;
  }

  private *work(): Sleepable<void> {
    const { k } = this;
    for (;;) {
      const handler = [...this.handlers.values()].find(({ queue }) => queue.length > 0);
      const next = handler?.queue.shift();
      if (!handler || !next) yield* block();
      else {
        const serve = k.callAs('v:p', handler.handler, next.m);
        yield* k.get(Vnet).within(next.vnet, k.get(Epochs).within(serve));
      }
    }
  }

  *holds(): Generator<Holding> {
    for (const { at, name, handler } of this.handlers.values())
      yield { kind: 'netisr handler', at, uses: [handler], by: this.k.origins.of(at), name: () => name };
  }
}

import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SkbAllocation } from './skb-alloc.js';

/** Queues of packet buffers: struct sk_buff_head (net/core/skbuff.c). */
export class SkbQueues implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    skb_queue_head: (queue: Ptr, skb: Ptr) => this.insert(queue, skb, queue, this.next(queue)),
    skb_queue_tail: (queue: Ptr, skb: Ptr) => this.insert(queue, skb, this.previous(queue), queue),
    skb_append: (old: Ptr, skb: Ptr, queue: Ptr) => this.insert(queue, skb, old, this.next(old)),
    skb_unlink: (skb: Ptr, queue: Ptr) => this.unlink(queue, skb),
    skb_dequeue: (queue: Ptr) => this.take(queue, this.next(queue)),
    skb_dequeue_tail: (queue: Ptr) => this.take(queue, this.previous(queue)),
    skb_queue_purge: (queue: Ptr) => this.purge(queue),
    skb_queue_purge_reason: (queue: Ptr) => this.purge(queue),
  };

  /** skb_queue_head_init() */
  init(queue: Ptr): void {
    const type = this.k.struct('sk_buff_head');
    this.k.space.writable(queue, type.size).fill(0);
    type.set(queue, 'next', queue);
    type.set(queue, 'prev', queue);
  }

  *purge(queue: Ptr): Sleepable<void> {
    for (let skb = this.take(queue, this.next(queue)); skb !== 0; skb = this.take(queue, this.next(queue)))
      yield* this.k.get(SkbAllocation).unref(skb);
  }

  tail(queue: Ptr, skb: Ptr): void {
    this.insert(queue, skb, this.previous(queue), queue);
  }

  /** The packets of a queue, first to last. */
  *entries(queue: Ptr): Generator<Ptr> {
    for (let skb = this.next(queue); skb !== queue; skb = this.next(skb)) yield skb;
  }

  length(queue: Ptr): number {
    return this.k.struct('sk_buff_head').get(queue, 'qlen');
  }

  private insert(queue: Ptr, skb: Ptr, before: Ptr, after: Ptr): void {
    this.link(before, skb);
    this.link(skb, after);
    this.count(queue, 1);
  }

  private take(queue: Ptr, skb: Ptr): Ptr {
    if (skb === queue || skb === 0) return 0;
    this.unlink(queue, skb);
    return skb;
  }

  private unlink(queue: Ptr, skb: Ptr): void {
    this.link(this.previous(skb), this.next(skb));
    const type = this.k.struct('sk_buff');
    type.set(skb, 'next', 0);
    type.set(skb, 'prev', 0);
    this.count(queue, -1);
  }

  /** Heads and buffers begin alike: `next`, then `prev`. */
  private next(node: Ptr): Ptr {
    return this.k.struct('sk_buff').get(node, 'next');
  }

  private previous(node: Ptr): Ptr {
    return this.k.struct('sk_buff').get(node, 'prev');
  }

  private link(a: Ptr, b: Ptr): void {
    const type = this.k.struct('sk_buff');
    type.set(a, 'next', b);
    type.set(b, 'prev', a);
  }

  private count(queue: Ptr, by: number): void {
    const type = this.k.struct('sk_buff_head');
    type.set(queue, 'qlen', type.get(queue, 'qlen') + by);
  }
}

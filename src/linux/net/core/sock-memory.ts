import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { changeBit } from '../../abi/bit-ops.js';
import { GFP_COMP } from '../../abi/gfp.js';
import { TASK_INTERRUPTIBLE } from '../../abi/task-state.js';
import { EAGAIN, EINTR, EMSGSIZE, ENOBUFS, EPIPE, ERESTARTSYS } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { PageExports } from '../../mm/pages.js';
import { SlabExports } from '../../mm/slab.js';
import { WaitQueues } from '../../sched/wait.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { SkbAllocation } from './skb-alloc.js';
import { SkBuffs } from './skbuff.js';
import { Socks } from './sock.js';

/** MAX_SCHEDULE_TIMEOUT, for ever: LONG_MAX, as close as a number comes. */
export const MAX_TIMEOUT = 2 ** 63;
const SEND_SHUTDOWN = 2;
/** Bits of socket_wq.flags and socket.flags (include/linux/net.h). */
const SOCKWQ_ASYNC_NOSPACE = 0;
const SOCK_NOSPACE = 2;

/** Memory that is charged to a socket: buffers for sending, option memory (net/core/sock.c, skbuff.c). */
export class SocketMemory implements Subsystem {
  private readonly buffers: SkBuffs;

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  readonly exports = {
    sock_alloc_send_pskb: (
      sk: Ptr,
      header: number,
      data: number,
      noblock: number,
      error: Ptr,
      maxOrder: number,
    ) => this.allocateToSend(sk, header, data, noblock !== 0, error, maxOrder),
    alloc_skb_with_frags: (header: number, data: number, maxOrder: number, error: Ptr, gfp: number) =>
      this.allocateWithFragments(header, data, maxOrder, error, gfp),
    sock_wmalloc: (sk: Ptr, size: number, force: number, _gfp: number) =>
      force !== 0 || this.written(sk) < this.sock.get(sk, 'sk_sndbuf') ? this.allocateOwned(sk, size) : 0,
    __sk_mem_raise_allocated: nothing('protocols may use all memory', 1),
    __sk_mem_reduce_allocated: nothing('protocols may use all memory', undefined),
    sock_kmalloc: (sk: Ptr, size: number, gfp: number) => this.allocateOption(sk, size, gfp),
    sock_kfree_s: (sk: Ptr, memory: Ptr, size: number) => {
      this.k.get(SlabExports).kfree(memory);
      this.chargeOption(sk, -size);
    },
    sock_kzfree_s: (sk: Ptr, memory: Ptr, size: number) => {
      this.k.get(SlabExports).kfreeSensitive(memory);
      this.chargeOption(sk, -size);
    },
  };

  /** sock_alloc_send_pskb(): waits until the socket may send more, unless it must not block. */
  private *allocateToSend(
    sk: Ptr,
    header: number,
    data: number,
    noblock: boolean,
    error: Ptr,
    maxOrder: number,
  ): Sleepable<Ptr> {
    const { k, sock } = this;
    let timeout = noblock ? 0 : sock.get(sk, 'sk_sndtimeo');
    for (;;) {
      const refused = this.takeError(sk) || (sock.get(sk, 'sk_shutdown') & SEND_SHUTDOWN ? -EPIPE : 0);
      if (refused !== 0) return this.fail(error, refused);
      if (this.written(sk) < sock.get(sk, 'sk_sndbuf')) break;
      this.markNoSpace(sk);
      if (timeout === 0) return this.fail(error, -EAGAIN);
      if (k.processes.signalPending(k.current))
        return this.fail(error, timeout === MAX_TIMEOUT ? -ERESTARTSYS : -EINTR);
      timeout = yield* this.waitForMemory(sk, timeout);
    }
    const skb = this.allocateWithFragments(header, data, maxOrder, error, sock.get(sk, 'sk_allocation'));
    if (skb !== 0) k.get(Socks).setOwner(skb, sk);
    return skb;
  }

  /** sock_wait_for_wmem(): the jiffies that are left. */
  private *waitForMemory(sk: Ptr, timeout: number): Sleepable<number> {
    const { k, sock } = this;
    const entryType = k.struct('wait_queue_entry');
    const queues = k.get(WaitQueues).exports;
    const queue = k.struct('socket_wq').addr(sock.get(sk, 'sk_wq'), 'wait');
    const self = this;
    return yield* withLocals(k, entryType.size, function* (entry) {
      queues.init_wait_entry(entry, 0);
      let left = timeout;
      for (;;) {
        if (left === 0 || k.processes.signalPending(k.current)) break;
        self.markNoSpace(sk);
        queues.prepare_to_wait(queue, entry, TASK_INTERRUPTIBLE);
        if (self.written(sk) < sock.get(sk, 'sk_sndbuf')) break;
        if (sock.get(sk, 'sk_shutdown') & SEND_SHUTDOWN || sock.get(sk, 'sk_err') !== 0) break;
        const jiffies = yield* k.get(Delays).scheduleTimeout(left);
        if (left !== MAX_TIMEOUT) left = jiffies;
      }
      queues.finish_wait(queue, entry);
      return left;
    });
  }

  /** sock_error(): takes the error that is pending. */
  takeError(sk: Ptr): number {
    const error = this.sock.get(sk, 'sk_err');
    if (error !== 0) this.sock.set(sk, 'sk_err', 0);
    return error === 0 ? 0 : -error;
  }

  /** alloc_skb_with_frags(): room for `header` bytes in the linear part and for `data` bytes in pages. */
  private allocateWithFragments(
    header: number,
    data: number,
    maxOrder: number,
    error: Ptr,
    gfp: number,
  ): Ptr {
    const { k } = this;
    const { skb: type, shared } = this.buffers;
    const frag = k.struct('bio_vec');
    const most = shared.member('frags').size / frag.size;
    const blocks = this.blocks(data, maxOrder);
    if (blocks.length > most) return this.fail(error, -EMSGSIZE);
    const skb = this.buffers.allocate(header);
    if (skb === 0) return this.fail(error, -ENOBUFS);
    const info = this.buffers.info(skb);
    let left = data;
    for (const [i, order] of blocks.entries()) {
      const page = k.get(PageExports).allocPages(gfp | (order > 0 ? GFP_COMP : 0), order);
      if (page === 0) {
        k.get(SkbAllocation).unrefNow(skb);
        return this.fail(error, -ENOBUFS);
      }
      const at = shared.addr(info, 'frags') + i * frag.size;
      const length = Math.min(left, PAGE_SIZE << order);
      frag.set(at, 'bv_page', page);
      frag.set(at, 'bv_offset', 0);
      frag.set(at, 'bv_len', length);
      shared.set(info, 'nr_frags', i + 1);
      type.set(skb, 'truesize', type.get(skb, 'truesize') + (PAGE_SIZE << order));
      left -= length;
    }
    return skb;
  }

  /** Orders of the page blocks that hold `bytes`: as large as allowed, no larger than needed. */
  private blocks(bytes: number, maxOrder: number): number[] {
    const orders: number[] = [];
    for (let pages = Math.ceil(bytes / PAGE_SIZE); pages > 0; ) {
      let order = maxOrder;
      while (order > 0 && pages < 1 << order) order--;
      orders.push(order);
      pages -= 1 << order;
    }
    return orders;
  }

  private allocateOwned(sk: Ptr, size: number): Ptr {
    const skb = this.buffers.allocate(size);
    if (skb !== 0) this.k.get(Socks).setOwner(skb, sk);
    return skb;
  }

  private allocateOption(sk: Ptr, size: number, gfp: number): Ptr {
    const { k, sock } = this;
    const most = k.space.loadInt32(k.symbol('sysctl_optmem_max'));
    if (size > most || sock.get(sk, 'sk_omem_alloc.counter') + size >= most) return 0;
    const memory = k.get(SlabExports).kmalloc(size, gfp);
    if (memory !== 0) this.chargeOption(sk, size);
    return memory;
  }

  private chargeOption(sk: Ptr, bytes: number): void {
    this.sock.set(sk, 'sk_omem_alloc.counter', this.sock.get(sk, 'sk_omem_alloc.counter') + bytes);
  }

  private markNoSpace(sk: Ptr): void {
    const { k, sock } = this;
    const mark = (type: StructType, at: Ptr, bit: number): void => {
      if (at !== 0) changeBit(k.space, type.addr(at, 'flags'), bit, true);
    };
    mark(k.struct('socket_wq'), sock.get(sk, 'sk_wq'), SOCKWQ_ASYNC_NOSPACE);
    mark(k.struct('socket'), sock.get(sk, 'sk_socket'), SOCK_NOSPACE);
  }

  /** sk_wmem_alloc_get(): bytes of packets on their way; one reference is the socket's own. */
  private written(sk: Ptr): number {
    return this.sock.get(sk, 'sk_wmem_alloc.refs.counter') - 1;
  }

  private fail(slot: Ptr, error: number): 0 {
    this.k.space.store32(slot, error);
    return 0;
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}

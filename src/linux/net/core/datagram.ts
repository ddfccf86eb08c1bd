import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { TASK_INTERRUPTIBLE } from '../../abi/task-state.js';
import { EAGAIN, EFAULT, EINTR, ENOMEM, ENOTCONN, ERESTARTSYS } from '../../errno.js';
import { IovIter } from '../../fs/iov-iter.js';
import type { LinuxKernel } from '../../kernel.js';
import { WaitQueues } from '../../sched/wait.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { SkbAllocation } from './skb-alloc.js';
import { SkbQueues } from './skb-queue.js';
import { SkBuffs } from './skbuff.js';
import { Socks } from './sock.js';
import { MAX_TIMEOUT, SocketMemory } from './sock-memory.js';

const MSG_PEEK = 0x02;
const MSG_DONTWAIT = 0x40;
export const RCV_SHUTDOWN = 1;

/** Receiving in whole packets: the queue of a socket, waiting for it, copies out of it (net/core/datagram.c, sock.c). */
export class Datagrams implements Subsystem {
  private readonly buffers: SkBuffs;

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  readonly exports = {
    __sock_queue_rcv_skb: (sk: Ptr, skb: Ptr) => this.queue(sk, skb),
    sock_queue_rcv_skb_reason: (sk: Ptr, skb: Ptr, reason: Ptr) => this.filterAndQueue(sk, skb, reason),
    skb_recv_datagram: (sk: Ptr, flags: number, error: Ptr) =>
      this.receive(sk, this.sock.addr(sk, 'sk_receive_queue'), flags, 0, error),
    __skb_recv_datagram: (sk: Ptr, queue: Ptr, flags: number, offset: Ptr, error: Ptr) =>
      this.receive(sk, queue, flags, offset, error),
    skb_free_datagram: (_sk: Ptr, skb: Ptr) => this.k.get(SkbAllocation).unref(skb),
    skb_copy_datagram_iter: (skb: Ptr, offset: number, to: Ptr, length: number) =>
      this.copyOut(skb, offset, to, length),
    skb_copy_datagram_from_iter: (skb: Ptr, offset: number, from: Ptr, length: number) =>
      this.copyIn(skb, offset, from, length),
  };

  private *filterAndQueue(sk: Ptr, skb: Ptr, reason: Ptr): Sleepable<number> {
    const { k } = this;
    if (this.sock.get(sk, 'sk_filter') !== 0) throw new Unimplemented('filters of sockets', '');
    const error = yield* this.queue(sk, skb);
    const name = error === 0 ? 'SKB_NOT_DROPPED_YET' : 'SKB_DROP_REASON_SOCKET_RCVBUFF';
    if (reason !== 0) k.space.store32(reason, k.enumValue(name));
    return error;
  }

  /** __sock_queue_rcv_skb(): charges the packet to the receiver and wakes it; -ENOMEM when its queue is full. */
  private *queue(sk: Ptr, skb: Ptr): Sleepable<number> {
    const { k, sock } = this;
    const { skb: type } = this.buffers;
    const charged = 'sk_backlog.rmem_alloc.counter';
    if (sock.get(sk, charged) >= sock.get(sk, 'sk_rcvbuf')) {
      sock.set(sk, 'sk_drops.counter', sock.get(sk, 'sk_drops.counter') + 1);
      return -ENOMEM;
    }
    if (type.get(skb, 'destructor') !== 0) yield* type.call(skb, 'destructor', skb);
    type.set(skb, 'dev', 0);
    type.set(skb, 'sk', sk);
    type.set(skb, 'destructor', k.fn('sock_rfree'));
    sock.set(sk, charged, sock.get(sk, charged) + type.get(skb, 'truesize'));
    k.get(SkbQueues).tail(sock.addr(sk, 'sk_receive_queue'), skb);
    if (!k.get(Socks).hasFlag(sk, 'SOCK_DEAD')) yield* sock.call(sk, 'sk_data_ready', sk);
    return 0;
  }

  /** __skb_recv_datagram(): the next packet, or 0 and the reason in `error`. */
  private *receive(sk: Ptr, queue: Ptr, flags: number, offset: Ptr, error: Ptr): Sleepable<Ptr> {
    const { k } = this;
    let timeout = flags & MSG_DONTWAIT ? 0 : this.sock.get(sk, 'sk_rcvtimeo');
    for (;;) {
      const pending = k.get(SocketMemory).takeError(sk);
      const skb = pending === 0 ? this.take(queue, flags, offset) : 0;
      if (skb !== 0) return skb;
      k.space.store32(error, pending || -EAGAIN);
      if (pending !== 0 || timeout === 0) return 0;
      const waited = yield* this.waitForMore(sk, queue, timeout);
      if (waited.error !== undefined) {
        k.space.store32(error, waited.error);
        return 0;
      }
      timeout = waited.left;
    }
  }

  /** Takes the first packet, or with MSG_PEEK one more reference to the one that holds byte `*offset`. */
  private take(queue: Ptr, flags: number, offset: Ptr): Ptr {
    const { k } = this;
    const { skb: type } = this.buffers;
    const queues = k.get(SkbQueues);
    if (!(flags & MSG_PEEK)) return queues.exports.skb_dequeue(queue);
    let skip = offset === 0 ? 0 : k.space.loadInt32(offset);
    for (const skb of queues.entries(queue)) {
      const length = type.get(skb, 'len');
      if (skip >= length && (length > 0 || skip > 0 || type.get(skb, 'peeked') !== 0)) {
        skip -= length;
        continue;
      }
      if (length === 0) type.set(skb, 'peeked', 1);
      type.set(skb, 'users.refs.counter', type.get(skb, 'users.refs.counter') + 1);
      if (offset !== 0) k.space.store32(offset, skip);
      return skb;
    }
    return 0;
  }

  /** __skb_wait_for_more_packets(): the time that is left, or why there is nothing to wait for (0: the peer is gone). */
  private *waitForMore(sk: Ptr, queue: Ptr, timeout: number): Sleepable<Waited> {
    const { k, sock } = this;
    const entryType = k.struct('wait_queue_entry');
    const queues = k.get(WaitQueues).exports;
    const head = k.struct('socket_wq').addr(sock.get(sk, 'sk_wq'), 'wait');
    const self = this;
    return yield* withLocals(k, entryType.size, function* (entry) {
      queues.init_wait_entry(entry, 0);
      queues.prepare_to_wait_exclusive(head, entry, TASK_INTERRUPTIBLE);
      const error = self.reasonNotToWait(sk, timeout);
      let left = timeout;
      if (error === undefined && k.get(SkbQueues).length(queue) === 0) {
        const jiffies = yield* k.get(Delays).scheduleTimeout(timeout);
        if (timeout !== MAX_TIMEOUT) left = jiffies;
      }
      queues.finish_wait(head, entry);
      return { error, left };
    });
  }

  private reasonNotToWait(sk: Ptr, timeout: number): number | undefined {
    const { k, sock } = this;
    const error = k.get(SocketMemory).takeError(sk);
    if (error !== 0) return error;
    if (sock.get(sk, 'sk_shutdown') & RCV_SHUTDOWN) return 0;
    const state = sock.get(sk, '__sk_common.skc_state');
    const connected = [k.enumValue('SOCK_STREAM'), k.enumValue('SOCK_SEQPACKET')].includes(
      sock.get(sk, 'sk_type'),
    );
    if (connected && state !== k.enumValue('TCP_ESTABLISHED') && state !== k.enumValue('TCP_LISTEN'))
      return -ENOTCONN;
    if (k.processes.signalPending(k.current)) return timeout === MAX_TIMEOUT ? -ERESTARTSYS : -EINTR;
    return undefined;
  }

  private copyOut(skb: Ptr, offset: number, to: Ptr, length: number): number {
    const bytes = new Uint8Array(length);
    const iter = this.k.get(IovIter);
    if (!this.buffers.read(skb, offset, bytes)) return -EFAULT;
    const copied = iter.copyTo(to, bytes);
    if (copied === length) return 0;
    iter.revert(to, copied);
    return -EFAULT;
  }

  private copyIn(skb: Ptr, offset: number, from: Ptr, length: number): number {
    const bytes = this.k.get(IovIter).copyFrom(from, length);
    return bytes.length === length && this.buffers.write(skb, offset, bytes) ? 0 : -EFAULT;
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}

interface Waited {
  readonly error: number | undefined;
  /** Jiffies. */
  readonly left: number;
}

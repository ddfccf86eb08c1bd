import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { changeBit, testBit } from '../../abi/bit-ops.js';
import { GFP_KERNEL, GFP_ZERO } from '../../abi/gfp.js';
import { LONG_MAX, ULONG_MAX } from '../../abi/limits.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import { SlabExports } from '../../mm/slab.js';
import { WaitQueues } from '../../sched/wait.js';
import type { Subsystem } from '../../subsystem.js';
import { Timers } from '../../time/timer.js';
import { SkbQueues } from './skb-queue.js';

const PACING_SHIFT = 10;
/** No queue of a device is remembered (NO_QUEUE_MAPPING). */
const NO_QUEUE = 0xffff;
/** Default size of socket buffers: SK_WMEM_MAX, what 256 packets of 256 bytes of payload take. */
const BUFFER_SIZE = 212_992;

/** Sockets as the network layers see them: struct sock (net/core/sock.c). */
export class Socks implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sk_alloc: (net: Ptr, family: number, gfp: number, proto: Ptr, kern: number) =>
      this.allocate(net, family, gfp, proto, kern !== 0),
    sk_free: (sk: Ptr) => this.free(sk),
    __sk_free: (sk: Ptr) => this.destruct(sk),
    sock_init_data: (socket: Ptr, sk: Ptr) => this.initData(socket, sk, 0),
    sock_init_data_uid: (socket: Ptr, sk: Ptr, uid: number) => this.initData(socket, sk, uid),
    sk_common_release: (sk: Ptr) => this.commonRelease(sk),
    sock_wfree: (skb: Ptr) => this.writeFree(skb),
    sock_rfree: (skb: Ptr) => this.readFree(skb),
    sock_efree: (skb: Ptr) => this.put(this.k.struct('sk_buff').get(skb, 'sk')),
    skb_set_owner_w: (skb: Ptr, sk: Ptr) => this.setOwner(skb, sk),
    lock_sock_nested: (sk: Ptr) => this.lock(sk),
    release_sock: (sk: Ptr) => this.release(sk),
    sk_error_report: (sk: Ptr) => this.sock.call(sk, 'sk_error_report', sk),
  };

  readonly data = {
    sysctl_wmem_max: (at: Ptr) => this.k.space.store32(at, BUFFER_SIZE),
    sysctl_rmem_max: (at: Ptr) => this.k.space.store32(at, BUFFER_SIZE),
    sysctl_wmem_default: (at: Ptr) => this.k.space.store32(at, BUFFER_SIZE),
    sysctl_rmem_default: (at: Ptr) => this.k.space.store32(at, BUFFER_SIZE),
    sysctl_optmem_max: (at: Ptr) => this.k.space.store32(at, 20480),
  };

  /** sk_alloc(): a zeroed socket of a protocol, which keeps its module loaded; 0 if that cannot be. */
  *allocate(net: Ptr, family: number, gfp: number, proto: Ptr, kern: boolean): Sleepable<Ptr> {
    const { k, sock } = this;
    const type = k.struct('proto');
    const cache = type.get(proto, 'slab');
    const size = type.get(proto, 'obj_size');
    const slab = k.get(SlabExports);
    const sk =
      cache === 0
        ? slab.kmalloc(size, gfp | GFP_ZERO)
        : yield* k.wait(slab.cacheAlloc(cache, gfp | GFP_ZERO));
    if (sk === 0) return 0;
    if (!k.get(Modules).tryGet(type.get(proto, 'owner'))) {
      slab.kfree(sk);
      return 0;
    }
    sock.set(sk, '__sk_common.skc_family', family);
    sock.set(sk, '__sk_common.skc_prot', proto);
    sock.set(sk, 'sk_prot_creator', proto);
    sock.set(sk, 'sk_kern_sock', kern ? 1 : 0);
    sock.set(sk, '__sk_common.skc_net_refcnt', kern ? 0 : 1);
    if (sock.has('__sk_common.skc_net.net')) sock.set(sk, '__sk_common.skc_net.net', net);
    sock.set(sk, 'sk_wmem_alloc.refs.counter', 1);
    sock.set(sk, '__sk_common.skc_tx_queue_mapping', NO_QUEUE);
    k.get(WaitQueues).init(sock.addr(sk, 'sk_lock.wq'));
    return sk;
  }

  /** sk_free(): drops what sk_alloc() gave; the socket goes with its last packet. */
  *free(sk: Ptr): Sleepable<void> {
    const left = this.sock.get(sk, 'sk_wmem_alloc.refs.counter') - 1;
    this.sock.set(sk, 'sk_wmem_alloc.refs.counter', left);
    if (left === 0) yield* this.destruct(sk);
  }

  hold(sk: Ptr): void {
    const at = '__sk_common.skc_refcnt.refs.counter';
    this.sock.set(sk, at, this.sock.get(sk, at) + 1);
  }

  /** sock_put() */
  *put(sk: Ptr): Sleepable<void> {
    const at = '__sk_common.skc_refcnt.refs.counter';
    const left = this.sock.get(sk, at) - 1;
    this.sock.set(sk, at, left);
    if (left === 0) yield* this.free(sk);
  }

  /** sock_init_data(): empty queues, default sizes and callbacks; joins the socket if there is one. */
  initData(socket: Ptr, sk: Ptr, uid: number): void {
    const { k, sock } = this;
    const queues = k.get(SkbQueues);
    queues.init(sock.addr(sk, 'sk_receive_queue'));
    queues.init(sock.addr(sk, 'sk_write_queue'));
    queues.init(sock.addr(sk, 'sk_error_queue'));
    sock.set(sk, 'sk_send_head', 0);
    k.get(Timers).init(sock.addr(sk, 'sk_timer'), 0, 0);
    sock.set(sk, 'sk_allocation', GFP_KERNEL);
    sock.set(sk, 'sk_rcvbuf', BUFFER_SIZE);
    sock.set(sk, 'sk_sndbuf', BUFFER_SIZE);
    sock.set(sk, '__sk_common.skc_state', k.enumValue('TCP_CLOSE'));
    sock.set(sk, 'sk_socket', socket);
    this.setFlag(sk, 'SOCK_ZAPPED');
    if (socket !== 0) {
      const type = k.struct('socket');
      sock.set(sk, 'sk_type', type.get(socket, 'type'));
      sock.set(sk, 'sk_wq', type.addr(socket, 'wq'));
      type.set(socket, 'sk', sk);
    }
    sock.set(sk, 'sk_uid', uid);
    for (const [field, fn] of CALLBACKS) sock.bind(sk, field, fn, (at: Ptr) => this.wake(at));
    sock.bind(sk, 'sk_destruct', 'sock_def_destruct', (_sk: Ptr) => {});
    sock.set(sk, 'sk_peek_off', -1);
    for (const field of ['sk_frag.page', 'sk_frag.offset', 'sk_peer_pid', 'sk_peer_cred'])
      sock.set(sk, field, 0);
    sock.set(sk, 'sk_write_pending', 0);
    sock.set(sk, 'sk_rcvlowat', 1);
    // structs: sock.sk_napi_id of kernels that are built to poll busily
    for (const field of ['sk_napi_id', 'sk_ll_usec']) if (sock.has(field)) sock.set(sk, field, 0);
    for (const field of ['sk_rcvtimeo', 'sk_sndtimeo']) sock.setBig(sk, field, LONG_MAX);
    sock.set(sk, 'sk_stamp', -1_000_000_000);
    for (const field of ['sk_max_pacing_rate', 'sk_pacing_rate']) sock.setBig(sk, field, ULONG_MAX);
    sock.set(sk, 'sk_pacing_shift', PACING_SHIFT);
    sock.set(sk, '__sk_common.skc_incoming_cpu', -1);
    if (sock.has('__sk_common.skc_rx_queue_mapping'))
      sock.set(sk, '__sk_common.skc_rx_queue_mapping', NO_QUEUE);
    sock.set(sk, '__sk_common.skc_refcnt.refs.counter', 1);
  }

  setFlag(sk: Ptr, name: string): void {
    changeBit(this.k.space, this.sock.addr(sk, '__sk_common.skc_flags'), this.k.enumValue(name), true);
  }

  /** sock_reset_flag() */
  resetFlag(sk: Ptr, name: string): void {
    changeBit(this.k.space, this.sock.addr(sk, '__sk_common.skc_flags'), this.k.enumValue(name), false);
  }

  hasFlag(sk: Ptr, name: string): boolean {
    return testBit(this.k.space, this.sock.addr(sk, '__sk_common.skc_flags'), this.k.enumValue(name));
  }

  /** Takes a socket from its struct socket: sock_orphan(). */
  orphan(sk: Ptr): void {
    this.setFlag(sk, 'SOCK_DEAD');
    this.sock.set(sk, 'sk_socket', 0);
    this.sock.set(sk, 'sk_wq', 0);
  }

  private *destruct(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    if (sock.get(sk, 'sk_destruct') !== 0) yield* sock.call(sk, 'sk_destruct', sk);
    const proto = sock.get(sk, 'sk_prot_creator');
    k.get(SlabExports).kfree(sk);
    k.get(Modules).putStruct(k.struct('proto').get(proto, 'owner'));
  }

  *commonRelease(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    const proto = k.struct('proto');
    const prot = sock.get(sk, '__sk_common.skc_prot');
    for (const step of ['destroy', 'unhash'])
      if (proto.get(prot, step) !== 0) yield* proto.call(prot, step, sk);
    this.orphan(sk);
    yield* this.put(sk);
  }

  /** The default callbacks wake whoever sleeps on the socket. */
  private *wake(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    const wq = sock.get(sk, 'sk_wq');
    if (wq !== 0) yield* k.get(WaitQueues).wakeUp(wq, 1, 0, 0);
  }

  setOwner(skb: Ptr, sk: Ptr): void {
    const type = this.k.struct('sk_buff');
    type.set(skb, 'sk', sk);
    type.set(skb, 'destructor', this.k.fn('sock_wfree'));
    const path = 'sk_wmem_alloc.refs.counter';
    this.sock.set(sk, path, this.sock.get(sk, path) + type.get(skb, 'truesize'));
  }

  /** sock_wfree(): gives room back; whoever waits for it hears of that before the socket may go. */
  private *writeFree(skb: Ptr): Sleepable<void> {
    const { k, sock } = this;
    const type = k.struct('sk_buff');
    const sk = type.get(skb, 'sk');
    const path = 'sk_wmem_alloc.refs.counter';
    let bytes = type.get(skb, 'truesize');
    if (!this.hasFlag(sk, 'SOCK_USE_WRITE_QUEUE')) {
      sock.set(sk, path, sock.get(sk, path) - (bytes - 1));
      bytes = 1;
      yield* sock.call(sk, 'sk_write_space', sk);
    }
    const left = sock.get(sk, path) - bytes;
    sock.set(sk, path, left);
    if (left === 0) yield* this.destruct(sk);
  }

  private readFree(skb: Ptr): void {
    const type = this.k.struct('sk_buff');
    const sk = type.get(skb, 'sk');
    const path = 'sk_backlog.rmem_alloc.counter';
    this.sock.set(sk, path, this.sock.get(sk, path) - type.get(skb, 'truesize'));
  }

  /** Has something done to a socket that no other task owns meanwhile. */
  *locked<T>(sk: Ptr, body: () => T | Sleepable<T>): Sleepable<T> {
    yield* this.lock(sk);
    const result = yield* this.k.wait(body());
    yield* this.release(sk);
    return result;
  }

  /** lock_sock(): waits until no other task owns the socket. */
  *lock(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    k.traps.mightSleep('net/core/sock.c', 3446);
    while (sock.get(sk, 'sk_lock.owned') !== 0) yield { kind: 'yield' };
    sock.set(sk, 'sk_lock.owned', 1);
  }

  /** release_sock(): handles what came in meanwhile, then lets go. */
  *release(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    yield* this.handleBacklog(sk);
    const proto = k.struct('proto');
    const prot = sock.get(sk, '__sk_common.skc_prot');
    if (proto.get(prot, 'release_cb') !== 0) yield* proto.call(prot, 'release_cb', sk);
    sock.set(sk, 'sk_lock.owned', 0);
  }

  /** __release_sock(): what came in while a task owned the socket. */
  private *handleBacklog(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    for (;;) {
      const skb = sock.get(sk, 'sk_backlog.head');
      if (skb === 0) return;
      const next = k.struct('sk_buff').get(skb, 'next');
      sock.set(sk, 'sk_backlog.head', next);
      if (next === 0) sock.set(sk, 'sk_backlog.tail', 0);
      k.struct('sk_buff').set(skb, 'next', 0);
      yield* sock.call(sk, 'sk_backlog_rcv', sk, skb);
    }
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}

/** The callbacks that a new socket has, and the names of the functions. */
const CALLBACKS = [
  ['sk_state_change', 'sock_def_wakeup'],
  ['sk_data_ready', 'sock_def_readable'],
  ['sk_write_space', 'sock_def_write_space'],
  ['sk_error_report', 'sock_def_error_report'],
] as const;

import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { PageExports } from '../../mm/pages.js';
import { SlabExports } from '../../mm/slab.js';
import { VmallocExports } from '../../mm/vmalloc.js';
import type { Subsystem } from '../../subsystem.js';
import { Destinations } from './dst.js';
import { NET_SKB_PAD, SkBuffs } from './skbuff.js';

/** _skb_refdst: the packet holds no reference of its destination (SKB_DST_NOREF). */
const SKB_DST_NOREF = 1n;
/** _nfct: bits that say how a packet belongs to its connection (NFCT_INFOMASK). */
const NFCT_INFO_MASK = 7n;

/** The cache of struct sk_buff that native code takes them from. */
const HEADS = 'skbuff_head_cache';

/** Allocation, copies and release of packet buffers (net/core/skbuff.c). */
export class SkbAllocation implements Subsystem {
  private readonly buffers: SkBuffs;

  /** Heads and pieces of pages that wait to be used again: of native code alone, TypeScript gives back what it frees. */
  readonly keeps = ['napi_alloc_cache', 'netdev_alloc_cache', HEADS];

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  readonly exports = {
    __alloc_skb: (size: number) => this.buffers.allocate(size),
    __netdev_alloc_skb: (dev: Ptr, length: number) => this.allocateFor(dev, length, NET_SKB_PAD),
    __napi_alloc_skb: (napi: Ptr, length: number) =>
      this.allocateFor(this.k.struct('napi_struct').get(napi, 'dev'), length, NET_SKB_PAD),
    build_skb: (data: Ptr, size: number) => this.build(data, size),
    napi_alloc_skb: (napi: Ptr, length: number) =>
      this.allocateFor(this.k.struct('napi_struct').get(napi, 'dev'), length, NET_SKB_PAD),
    sk_skb_reason_drop: (_sk: Ptr, skb: Ptr) => this.unref(skb),
    dev_kfree_skb_any_reason: (skb: Ptr) => this.unref(skb),
    dev_kfree_skb_irq_reason: (skb: Ptr) => this.unref(skb),
    kfree_skb_reason: (skb: Ptr) => this.unref(skb),
    consume_skb: (skb: Ptr) => this.unref(skb),
    __kfree_skb: (skb: Ptr) => this.free(skb),
    kfree_skb_partial: (skb: Ptr) => this.free(skb),
    kfree_skb_list_reason: (skb: Ptr) => this.freeList(skb),
    rtnl_kfree_skbs: (head: Ptr) => this.freeList(head),
    __dev_kfree_skb_any: (skb: Ptr) => this.unref(skb),
    __dev_kfree_skb_irq: (skb: Ptr) => this.unref(skb),
    napi_consume_skb: (skb: Ptr) => this.unref(skb),
    kfree_skbmem: (skb: Ptr) => this.k.slab.free(skb),
    skb_release_head_state: (skb: Ptr) => this.releaseHead(skb),
    skb_release_data: (skb: Ptr) => this.releaseData(skb),
    skb_clone: (skb: Ptr) => this.clone(skb),
    skb_copy: (skb: Ptr) => this.copy(skb, this.buffers.headroom(skb), 0),
    skb_copy_expand: (skb: Ptr, head: number, tail: number) => this.copy(skb, head, tail),
  };

  boot(): void {
    const { k } = this;
    const cache = k.slab.createCache({
      name: HEADS,
      objectSize: this.buffers.skb.size,
      align: 64,
      keepContent: false,
    });
    k.space.storePtr(k.variable(HEADS, 8), k.get(SlabExports).publish(cache));
  }

  /** kfree_skb(): drops a reference; the last one frees. NULL is fine. */
  *unref(skb: Ptr): Sleepable<void> {
    if (skb === 0) return;
    const { k } = this;
    const { skb: type } = this.buffers;
    if (k.space.isWatched(skb) && !k.ledger.get(skb)) {
      k.get(SlabExports).kfree(skb);
      return;
    }
    const left = type.get(skb, 'users.refs.counter') - 1;
    type.set(skb, 'users.refs.counter', left);
    if (left === 0) yield* this.free(skb);
  }

  /** Frees a new buffer that has no destructor and that nobody else has seen. */
  unrefNow(skb: Ptr): void {
    for (const _ of this.unref(skb)) throw new Error('freeing a new packet buffer has nothing to wait for');
  }

  private allocateFor(dev: Ptr, length: number, pad: number): Ptr {
    const skb = this.buffers.allocate(length + pad);
    if (skb === 0) return 0;
    this.buffers.reserve(skb, pad);
    this.buffers.skb.set(skb, 'dev', dev);
    return skb;
  }

  /** A descriptor for data that the caller allocated, with room for skb_shared_info at its end. */
  private build(data: Ptr, size: number): Ptr {
    const { k } = this;
    const skb = k.slab.allocateBytes(this.buffers.skb.size, true);
    if (skb === 0) return 0;
    const room = size === 0 ? k.slab.usableSize(data) : size;
    this.buffers.init(skb, data, room);
    if (size !== 0) this.buffers.skb.set(skb, 'head_frag', 1);
    return skb;
  }

  /** __kfree_skb(): the destructor, what it holds on to, its data when nobody shares them, the descriptor. */
  private *free(skb: Ptr): Sleepable<void> {
    yield* this.releaseHead(skb);
    yield* this.releaseData(skb);
    this.k.slab.free(skb);
  }

  /** skb_release_head_state(): the destination, the owner, the connection, extensions. */
  private *releaseHead(skb: Ptr): Sleepable<void> {
    const { k } = this;
    const { skb: type } = this.buffers;
    const destination = type.getBig(skb, '_skb_refdst');
    if (destination !== 0n && (destination & SKB_DST_NOREF) === 0n)
      yield* k.get(Destinations).release(k.space.fromAddress(destination));
    type.setBig(skb, '_skb_refdst', 0n);
    if (type.get(skb, 'destructor') !== 0) yield* type.call(skb, 'destructor', skb);
    yield* this.putConnection(skb);
    if (!type.has('active_extensions') || type.get(skb, 'active_extensions') === 0) return;
    yield { kind: 'call', fn: k.fn('__skb_ext_put'), args: [type.get(skb, 'extensions')] };
  }

  /** nf_conntrack_put(): the last reference ends the entry of a connection. */
  private *putConnection(skb: Ptr): Sleepable<void> {
    const { k } = this;
    const entry = this.connectionOf(skb);
    if (entry === 0) return;
    const connection = k.struct('nf_conntrack');
    const left = connection.get(entry, 'use.refs.counter') - 1;
    connection.set(entry, 'use.refs.counter', left);
    if (left > 0) return;
    const hook = k.space.loadPtr(k.symbol('nf_ct_hook'));
    if (hook !== 0) yield* k.struct('nf_ct_hook').call(hook, 'destroy', entry);
  }

  private *releaseData(skb: Ptr): Sleepable<void> {
    const { k } = this;
    const { skb: type, shared } = this.buffers;
    const head = type.get(skb, 'head');
    if (head === 0) return;
    const info = this.buffers.info(skb);
    const left = shared.get(info, 'dataref.counter') - 1;
    shared.set(info, 'dataref.counter', left);
    if (type.get(skb, 'cloned') !== 0 && (left & 0xffff) !== 0) return;
    this.putFragments(info);
    yield* this.freeList(shared.get(info, 'frag_list'));
    if (type.get(skb, 'head_frag')) this.putPage(k.get(PageExports).toPage(head));
    else k.get(VmallocExports).kvfree(head);
  }

  private putFragments(info: Ptr): void {
    const { k } = this;
    const { shared } = this.buffers;
    const frag = k.struct('bio_vec');
    for (let i = 0; i < shared.get(info, 'nr_frags'); i++)
      this.putPage(frag.get(shared.addr(info, 'frags') + i * frag.size, 'bv_page'));
  }

  /** put_page(): of a block of pages the first has the references. */
  private putPage(page: Ptr): void {
    const pages = this.k.get(PageExports);
    pages.freePages(pages.headOf(page), 0);
  }

  *freeList(first: Ptr): Sleepable<void> {
    for (let skb = first; skb !== 0; ) {
      const next = this.buffers.skb.get(skb, 'next');
      yield* this.unref(skb);
      skb = next;
    }
  }

  /** skb_clone(): a second descriptor of the same data, owned by no socket. */
  private clone(skb: Ptr): Ptr {
    const { k } = this;
    const { skb: type, shared } = this.buffers;
    const twin = k.slab.allocateBytes(type.size, true);
    if (twin === 0) return 0;
    k.space.bytes.copyWithin(twin, skb, skb + type.size);
    for (const field of ['next', 'prev', 'sk', 'destructor']) type.set(twin, field, 0);
    type.set(twin, 'users.refs.counter', 1);
    for (const one of [skb, twin]) type.set(one, 'cloned', 1);
    type.set(twin, 'nohdr', 0);
    this.hold(twin);
    const info = this.buffers.info(skb);
    shared.set(info, 'dataref.counter', shared.get(info, 'dataref.counter') + 1);
    return twin;
  }

  /** skb_copy_expand(): a linear copy with given room before and behind the data. */
  private copy(skb: Ptr, headroom: number, tailroom: number): Ptr {
    const { k } = this;
    const { skb: type } = this.buffers;
    const length = type.get(skb, 'len');
    const fresh = this.buffers.allocate(headroom + length + tailroom);
    if (fresh === 0) return 0;
    this.buffers.reserve(fresh, headroom);
    const bytes = new Uint8Array(length);
    this.buffers.read(skb, 0, bytes);
    k.space.writable(this.buffers.put(fresh, length), length).set(bytes);
    this.copyHeader(fresh, skb, headroom - this.buffers.headroom(skb));
    return fresh;
  }

  /** skb_copy_header(): all that says how the packet is to be handled, and the places of its headers, moved by `offset`. */
  private copyHeader(to: Ptr, from: Ptr, offset: number): void {
    const { skb: type } = this.buffers;
    for (const group of ['headers', 'cb']) this.copyGroup(to, from, group);
    for (const member of ['dev', '_skb_refdst', '_nfct', 'active_extensions', 'extensions'])
      if (type.has(member)) type.setBig(to, member, type.getBig(from, member));
    type.setBig(to, 'tstamp', type.getBig(from, 'tstamp'));
    this.hold(to);
    for (const header of ['mac_header', 'network_header', 'transport_header', 'inner_network_header']) {
      const at = type.get(from, header);
      type.set(to, header, at === 0xffff ? at : at + offset);
    }
  }

  private copyGroup(to: Ptr, from: Ptr, group: string): void {
    const { k } = this;
    const { skb: type } = this.buffers;
    const { size } = type.member(group);
    k.space.writable(type.addr(to, group), size).set(k.space.readable(type.addr(from, group), size));
  }

  /** References of what a packet that is like another has with it: destination, connection, extensions. */
  private hold(skb: Ptr): void {
    const { k } = this;
    const { skb: type } = this.buffers;
    const destination = type.getBig(skb, '_skb_refdst');
    if (destination !== 0n && (destination & SKB_DST_NOREF) === 0n)
      k.get(Destinations).hold(k.space.fromAddress(destination));
    const count = (struct: string, at: Ptr, path: string): void => {
      const counted = k.struct(struct);
      counted.set(at, path, counted.get(at, path) + 1);
    };
    const connection = this.connectionOf(skb);
    if (connection !== 0) count('nf_conntrack', connection, 'use.refs.counter');
    if (type.has('active_extensions') && type.get(skb, 'active_extensions') !== 0)
      count('skb_ext', type.get(skb, 'extensions'), 'refcnt.refs.counter');
  }

  private connectionOf(skb: Ptr): Ptr {
    const { skb: type } = this.buffers;
    const tagged = type.has('_nfct') ? type.getBig(skb, '_nfct') & ~NFCT_INFO_MASK : 0n;
    return tagged === 0n ? 0 : this.k.space.fromAddress(tagged);
  }
}

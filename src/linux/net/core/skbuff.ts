import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { SMP_CACHE_BYTES } from '../../abi/cache.js';
import type { LinuxKernel } from '../../kernel.js';
import { PageExports } from '../../mm/pages.js';

/** Head room that drivers' buffers get (NET_SKB_PAD of x86-64). */
export const NET_SKB_PAD = 64;
/** Offsets of headers that are not set. */
const UNSET = 0xffff;

/** struct sk_buff in guest memory: the descriptor, its data area and the skb_shared_info at that area's end. */
export class SkBuffs {
  readonly skb: StructType;
  readonly shared: StructType;

  constructor(readonly k: LinuxKernel) {
    this.skb = k.struct('sk_buff');
    this.shared = k.struct('skb_shared_info');
  }

  /** A buffer with room for `size` bytes, all of it tail room; 0 if there is no memory. */
  allocate(size: number): Ptr {
    const { k } = this;
    const room = alignUp(size) + alignUp(this.shared.size);
    const skb = k.slab.allocateBytes(this.skb.size, true);
    if (skb === 0) return 0;
    const head = k.slab.allocateBytes(room, false);
    if (head === 0) {
      k.slab.free(skb);
      return 0;
    }
    // __alloc_skb() takes all that the allocator gives it.
    const given = Math.max(room, k.slab.usableSize(head));
    k.slab.resize(head, given);
    this.init(skb, head, given);
    return skb;
  }

  /** Lays a new buffer out over `room` bytes at `head`. */
  init(skb: Ptr, head: Ptr, room: number): void {
    const end = room - alignUp(this.shared.size);
    this.skb.set(skb, 'truesize', alignUp(this.skb.size) + room);
    this.skb.set(skb, 'users.refs.counter', 1);
    this.skb.set(skb, 'head', head);
    this.skb.set(skb, 'data', head);
    this.skb.set(skb, 'tail', 0);
    this.skb.set(skb, 'end', end);
    this.skb.set(skb, 'mac_header', UNSET);
    this.skb.set(skb, 'transport_header', UNSET);
    this.clearShared(head + end);
  }

  clearShared(info: Ptr): void {
    this.k.space.writable(info, this.shared.offsetOf('frags')).fill(0);
    this.shared.set(info, 'dataref.counter', 1);
  }

  /** skb_shinfo() */
  info(skb: Ptr): Ptr {
    return this.skb.get(skb, 'head') + this.skb.get(skb, 'end');
  }

  /** skb_tail_pointer() */
  tail(skb: Ptr): Ptr {
    return this.skb.get(skb, 'head') + this.skb.get(skb, 'tail');
  }

  headroom(skb: Ptr): number {
    return this.skb.get(skb, 'data') - this.skb.get(skb, 'head');
  }

  /** Bytes that fit behind the data; none where part of the packet is in fragments. */
  tailroom(skb: Ptr): number {
    if (this.skb.get(skb, 'data_len') !== 0) return 0;
    return this.skb.get(skb, 'end') - this.skb.get(skb, 'tail');
  }

  /** Bytes in the linear part: skb_headlen(). */
  linear(skb: Ptr): number {
    return this.skb.get(skb, 'len') - this.skb.get(skb, 'data_len');
  }

  /** skb_shared(): somebody else uses the descriptor. */
  isShared(skb: Ptr): boolean {
    return this.skb.get(skb, 'users.refs.counter') !== 1;
  }

  /** skb_cloned(): somebody else uses the data. */
  isCloned(skb: Ptr): boolean {
    return (
      this.skb.get(skb, 'cloned') !== 0 && (this.shared.get(this.info(skb), 'dataref.counter') & 0xffff) !== 1
    );
  }

  /** skb_reserve() */
  reserve(skb: Ptr, bytes: number): void {
    this.skb.set(skb, 'data', this.skb.get(skb, 'data') + bytes);
    this.skb.set(skb, 'tail', this.skb.get(skb, 'tail') + bytes);
  }

  /** skb_put(), after the check that there is room. */
  put(skb: Ptr, bytes: number): Ptr {
    const at = this.tail(skb);
    this.skb.set(skb, 'tail', this.skb.get(skb, 'tail') + bytes);
    this.skb.set(skb, 'len', this.skb.get(skb, 'len') + bytes);
    return at;
  }

  /** The packet's bytes in order: its linear part, its fragments in pages, then those of the buffers it chains. */
  segments(skb: Ptr): Segment[] {
    const { k } = this;
    const info = this.info(skb);
    const frag = k.struct('bio_vec');
    const found: Segment[] = [{ at: this.skb.get(skb, 'data'), bytes: this.linear(skb) }];
    for (let i = 0; i < this.shared.get(info, 'nr_frags'); i++) {
      const at = this.shared.addr(info, 'frags') + i * frag.size;
      const page = k.get(PageExports).addressOf(frag.get(at, 'bv_page'));
      found.push({ at: page + frag.get(at, 'bv_offset'), bytes: frag.get(at, 'bv_len') });
    }
    for (let next = this.shared.get(info, 'frag_list'); next !== 0; next = this.skb.get(next, 'next'))
      found.push(...this.segments(next));
    return found;
  }

  /** Copies a range of the packet, wherever its parts are; false if it has not that many bytes. */
  read(skb: Ptr, offset: number, into: Uint8Array): boolean {
    return this.walk(skb, offset, into.length, (at, done, bytes) =>
      into.set(this.k.space.readable(at, bytes), done),
    );
  }

  write(skb: Ptr, offset: number, from: Uint8Array): boolean {
    return this.walk(skb, offset, from.length, (at, done, bytes) =>
      this.k.space.writable(at, bytes).set(from.subarray(done, done + bytes)),
    );
  }

  private walk(skb: Ptr, offset: number, length: number, visit: Visit): boolean {
    if (offset < 0 || offset + length > this.skb.get(skb, 'len')) return false;
    let skip = offset;
    let done = 0;
    for (const { at, bytes } of this.segments(skb)) {
      const count = Math.min(bytes - skip, length - done);
      if (count > 0) visit(at + skip, done, count);
      done += Math.max(count, 0);
      skip = Math.max(0, skip - bytes);
    }
    return done === length;
  }
}

interface Segment {
  readonly at: Ptr;
  readonly bytes: number;
}

/** Told of a run of bytes in memory, and how many of the range came before it. */
type Visit = (at: Ptr, done: number, bytes: number) => void;

/** SKB_DATA_ALIGN() */
export function alignUp(bytes: number): number {
  return Math.ceil(bytes / SMP_CACHE_BYTES) * SMP_CACHE_BYTES;
}

import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_EMERG } from '../../../kernel/log.js';
import { EFAULT, ENOMEM } from '../../errno.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { VmallocExports } from '../../mm/vmalloc.js';
import type { Subsystem } from '../../subsystem.js';
import { alignUp, SkBuffs } from './skbuff.js';

/** Growing, shrinking and reading the data of packet buffers (net/core/skbuff.c). */
export class SkbData implements Subsystem {
  private readonly buffers: SkBuffs;

  constructor(private readonly k: LinuxKernel) {
    this.buffers = new SkBuffs(k);
  }

  readonly exports = {
    skb_put: (skb: Ptr, bytes: number) => this.put(skb, bytes),
    pskb_put: (skb: Ptr, tail: Ptr, bytes: number) => {
      if (tail !== skb) {
        const { skb: type } = this.buffers;
        type.set(skb, 'data_len', type.get(skb, 'data_len') + bytes);
        type.set(skb, 'len', type.get(skb, 'len') + bytes);
      }
      return this.put(tail, bytes);
    },
    skb_push: (skb: Ptr, bytes: number) => this.push(skb, bytes),
    skb_pull: (skb: Ptr, bytes: number) => this.pull(skb, bytes),
    skb_pull_data: (skb: Ptr, bytes: number) => {
      const data = this.buffers.skb.get(skb, 'data');
      return this.pull(skb, bytes) === 0 ? 0 : data;
    },
    skb_trim: (skb: Ptr, length: number) => {
      if (this.buffers.skb.get(skb, 'len') > length) this.setLinearLength(skb, length);
    },
    __pskb_pull_tail: (skb: Ptr, bytes: number) => this.pullTail(skb, bytes),
    pskb_expand_head: (skb: Ptr, head: number, tail: number) => this.expandHead(skb, head, tail),
    skb_copy_bits: (skb: Ptr, offset: number, to: Ptr, length: number) => {
      const bytes = new Uint8Array(length);
      if (!this.buffers.read(skb, offset, bytes)) return -EFAULT;
      this.k.space.writable(to, length).set(bytes);
      return 0;
    },
    skb_store_bits: (skb: Ptr, offset: number, from: Ptr, length: number) =>
      this.buffers.write(skb, offset, this.k.space.readable(from, length).slice()) ? 0 : -EFAULT,
    skb_ensure_writable: (skb: Ptr, bytes: number) => this.ensureWritable(skb, bytes),
    __skb_pad: (skb: Ptr, bytes: number) => this.pad(skb, bytes),
  };

  private put(skb: Ptr, bytes: number): Ptr {
    if (bytes > this.buffers.skb.get(skb, 'end') - this.buffers.skb.get(skb, 'tail'))
      this.panic('skb_over_panic', skb, bytes);
    return this.buffers.put(skb, bytes);
  }

  private push(skb: Ptr, bytes: number): Ptr {
    const { skb: type } = this.buffers;
    if (bytes > this.buffers.headroom(skb)) this.panic('skb_under_panic', skb, bytes);
    type.set(skb, 'data', type.get(skb, 'data') - bytes);
    type.set(skb, 'len', type.get(skb, 'len') + bytes);
    return type.get(skb, 'data');
  }

  private pull(skb: Ptr, bytes: number): Ptr {
    const { skb: type } = this.buffers;
    const length = type.get(skb, 'len');
    if (bytes > length) return 0;
    if (length - bytes < type.get(skb, 'data_len'))
      throw new Oops('bug', 'kernel BUG at include/linux/skbuff.h: a pull of what is in fragments', skb);
    type.set(skb, 'len', length - bytes);
    type.set(skb, 'data', type.get(skb, 'data') + bytes);
    return type.get(skb, 'data');
  }

  private setLinearLength(skb: Ptr, length: number): void {
    const { skb: type } = this.buffers;
    if (type.get(skb, 'data_len') !== 0) return;
    type.set(skb, 'len', length);
    type.set(skb, 'tail', this.buffers.headroom(skb) + length);
  }

  /** Makes `bytes` more of the packet linear, taking them from its fragments. */
  private pullTail(skb: Ptr, bytes: number): Ptr {
    const { k } = this;
    const { skb: type } = this.buffers;
    const linear = this.buffers.linear(skb);
    const total = type.get(skb, 'len');
    const missing = type.get(skb, 'tail') + total - linear - type.get(skb, 'end');
    if (missing > 0 || this.buffers.isCloned(skb))
      if (this.expandHead(skb, 0, Math.max(missing, 0) + 128) !== 0) return 0;
    if (linear + bytes > total) return 0;
    const rest = new Uint8Array(total - linear);
    if (!this.buffers.read(skb, linear, rest)) return 0;
    const at = this.buffers.tail(skb);
    k.space.writable(at, rest.length).set(rest);
    const info = this.buffers.info(skb);
    this.buffers.shared.set(info, 'nr_frags', 0);
    this.buffers.shared.set(info, 'frag_list', 0);
    type.set(skb, 'tail', type.get(skb, 'tail') + rest.length);
    type.set(skb, 'data_len', 0);
    return this.buffers.tail(skb) - rest.length + bytes;
  }

  /** pskb_expand_head(): a private head with more room before and behind. */
  private expandHead(skb: Ptr, head: number, tail: number): number {
    const { k } = this;
    const { skb: type, shared } = this.buffers;
    const oldHead = type.get(skb, 'head');
    const oldEnd = type.get(skb, 'end');
    const end = alignUp(oldEnd + head + tail);
    const fresh = k.slab.allocateBytes(end + alignUp(shared.size), false);
    if (fresh === 0) return -ENOMEM;
    const used = type.get(skb, 'tail');
    k.space.bytes.copyWithin(fresh + head, oldHead, oldHead + used);
    k.space.bytes.copyWithin(fresh + end, oldHead + oldEnd, oldHead + oldEnd + shared.size);
    const oldInfo = oldHead + oldEnd;
    const cloned = this.buffers.isCloned(skb);
    shared.set(oldInfo, 'dataref.counter', shared.get(oldInfo, 'dataref.counter') - 1);
    shared.set(fresh + end, 'dataref.counter', 1);
    if (cloned) this.holdFragments(fresh + end);
    else k.get(VmallocExports).kvfree(oldHead);
    type.set(skb, 'head', fresh);
    type.set(skb, 'head_frag', 0);
    type.set(skb, 'data', fresh + head + type.get(skb, 'data') - oldHead);
    type.set(skb, 'tail', used + head);
    type.set(skb, 'end', end);
    for (const header of HEADERS) {
      const at = type.get(skb, header);
      if (at !== 0xffff) type.set(skb, header, at + head);
    }
    for (const flag of ['cloned', 'hdr_len', 'nohdr']) type.set(skb, flag, 0);
    return 0;
  }

  /** Fragments that both the old and the new head point to have one more user. */
  private holdFragments(info: Ptr): void {
    const { k } = this;
    const frag = k.struct('bio_vec');
    const page = k.struct('page');
    for (let i = 0; i < this.buffers.shared.get(info, 'nr_frags'); i++) {
      const at = frag.get(this.buffers.shared.addr(info, 'frags') + i * frag.size, 'bv_page');
      page.set(at, '_refcount.counter', page.get(at, '_refcount.counter') + 1);
    }
  }

  private ensureWritable(skb: Ptr, bytes: number): number {
    if (bytes > this.buffers.skb.get(skb, 'len')) return -ENOMEM;
    const linear = this.buffers.linear(skb);
    if (bytes > linear && this.pullTail(skb, bytes - linear) === 0) return -ENOMEM;
    return this.buffers.isCloned(skb) ? this.expandHead(skb, 0, 0) : 0;
  }

  private pad(skb: Ptr, bytes: number): number {
    const room = this.buffers.tailroom(skb);
    if (room < bytes || this.buffers.isCloned(skb)) {
      const error = this.expandHead(skb, 0, bytes);
      if (error) return error;
    }
    this.k.space.writable(this.buffers.tail(skb), bytes).fill(0);
    return 0;
  }

  /** skb_over_panic() and skb_under_panic(): the line, with what the skb would have become, then a BUG. */
  private panic(name: string, skb: Ptr, bytes: number): never {
    const { k } = this;
    const { skb: type } = this.buffers;
    const hex = (ptr: Ptr): string => k.space.toAddress(ptr).toString(16).padStart(16, '0');
    const dev = type.get(skb, 'dev');
    const device = dev === 0 ? '<NULL>' : k.struct('net_device').text(dev, 'name');
    const head = type.get(skb, 'head');
    const over = name === 'skb_over_panic';
    const data = type.get(skb, 'data') - (over ? 0 : bytes);
    const tail = type.get(skb, 'tail') + (over ? bytes : 0);
    k.log.line(
      `skbuff: ${name}: text:${hex(k.caller)} len:${type.get(skb, 'len') + bytes} put:${bytes} head:${hex(head)} ` +
        `data:${hex(data)} tail:0x${tail.toString(16)} ` +
        `end:0x${type.get(skb, 'end').toString(16)} dev:${device}`,
      LOGLEVEL_EMERG,
    );
    throw new Oops('bug', 'kernel BUG at net/core/skbuff.c:120!', skb);
  }
}

const HEADERS = [
  'mac_header',
  'network_header',
  'transport_header',
  'inner_transport_header',
  'inner_network_header',
  'inner_mac_header',
] as const;

import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { MbufTags } from './uipc-mbuf2.js';

/** Chains of mbufs: what is read, cut, joined and copied of them (sys/kern/uipc_mbuf.c). */
export class MbufChains implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    m_adj: (m: Ptr, count: number) => this.adjust(m, count),
    m_adj_decap: (m: Ptr, count: number) => this.adjust(m, count),
    m_append: (m: Ptr, length: number, from: Ptr) => this.append(m, length, from),
    m_apply: (m: Ptr, offset: number, length: number, fn: Ptr, arg: Ptr) =>
      this.apply(m, offset, length, fn, arg),
    m_cat: (m: Ptr, n: Ptr) => this.concatenate(m, n),
    m_catpkt: (m: Ptr, n: Ptr) => this.concatenatePackets(m, n),
    m_copyback: (m: Ptr, offset: number, length: number, from: Ptr) => this.copyback(m, offset, length, from),
    m_copydata: (m: Ptr, offset: number, length: number, to: Ptr) => this.copydata(m, offset, length, to),
    m_length: (m: Ptr, last: Ptr) => {
      if (last !== 0) this.k.space.storePtr(last, this.k.get(Mbufs).lastOf(m));
      return this.length(m);
    },
    m_fixhdr: (m: Ptr) => {
      this.type.set(m, 'm_pkthdr.len', this.length(m));
      return this.length(m);
    },
    m_getptr: (m: Ptr, location: number, offset: Ptr) => this.getptr(m, location, offset),
    m_prepend: (m: Ptr, length: number, how: number) => this.prepend(m, length, how),
    m_pullup: (m: Ptr, length: number) => this.pullup(m, length, 0),
    m_copyup: (m: Ptr, length: number, offset: number) => this.pullup(m, length, offset),
    m_split: (m: Ptr, length: number, how: number) => this.split(m, length, how),
    m_demote: (m: Ptr, all: number, flags: number) => this.demote(m, all !== 0, flags),
    m_demote_pkthdr: (m: Ptr) => this.demoteHeader(m),
    m_move_pkthdr: (to: Ptr, from: Ptr) => this.moveHeader(to, from),
  };

  get type() {
    return this.k.struct('mbuf');
  }

  *chain(m: Ptr): Generator<Ptr> {
    for (let at = m; at !== 0; at = this.type.get(at, 'm_next')) yield at;
  }

  length(m: Ptr): number {
    let sum = 0;
    for (const one of this.chain(m)) sum += this.type.get(one, 'm_len');
    return sum;
  }

  private hasHeader(m: Ptr): boolean {
    return (this.type.get(m, 'm_flags') & this.k.macro('M_PKTHDR')) !== 0;
  }

  private addLength(m: Ptr, count: number): void {
    if (this.hasHeader(m)) this.type.set(m, 'm_pkthdr.len', this.type.get(m, 'm_pkthdr.len') + count);
  }

  /** Pieces of `length` bytes from `offset` on: where they are. Panics where the chain is shorter. */
  private *pieces(
    m: Ptr,
    offset: number,
    length: number,
    who: string,
  ): Generator<{ at: Ptr; bytes: number }> {
    let [skip, left] = [offset, length];
    for (const one of this.chain(m)) {
      if (left === 0) return;
      const len = this.type.get(one, 'm_len');
      if (skip >= len) {
        skip -= len;
        continue;
      }
      const bytes = Math.min(len - skip, left);
      yield { at: this.type.get(one, 'm_data') + skip, bytes };
      left -= bytes;
      skip = 0;
    }
    if (left > 0) this.k.panic(`${who}, offset > size of mbuf chain`);
  }

  copydata(m: Ptr, offset: number, length: number, to: Ptr): void {
    const { space } = this.k;
    let done = 0;
    for (const { at, bytes } of this.pieces(m, offset, length, 'm_copydata')) {
      space.writable(to + done, bytes).set(space.readable(at, bytes));
      done += bytes;
    }
  }

  private *apply(m: Ptr, offset: number, length: number, fn: Ptr, arg: Ptr): Sleepable<number> {
    for (const { at, bytes } of [...this.pieces(m, offset, length, 'm_apply')]) {
      const error = yield* this.k.callAs('i:ppu', fn, arg, at, bytes);
      if (error !== 0) return error;
    }
    return 0;
  }

  /** The chain grows where it is too short. */
  *copyback(m: Ptr, offset: number, length: number, from: Ptr): Sleepable<void> {
    if (m === 0) return;
    const missing = offset + length - this.length(m);
    if (missing > 0 && !(yield* this.grow(m, missing))) return;
    const { space } = this.k;
    let done = 0;
    for (const { at, bytes } of this.pieces(m, offset, length, 'm_copyback')) {
      space.writable(at, bytes).set(space.readable(from + done, bytes));
      done += bytes;
    }
    if (this.hasHeader(m) && this.type.get(m, 'm_pkthdr.len') < offset + length)
      this.type.set(m, 'm_pkthdr.len', offset + length);
  }

  /** Zeroed bytes more at the end: first in the last mbuf, then in new ones. */
  private *grow(m: Ptr, count: number): Sleepable<boolean> {
    const { k, type } = this;
    const mbufs = k.get(Mbufs);
    let last = mbufs.lastOf(m);
    const room = Math.min(this.trailingSpace(last), count);
    this.extend(last, room);
    let left = count - room;
    while (left > 0) {
      const fresh = yield* mbufs.getm2(0, left, k.macro('M_NOWAIT'), type.get(m, 'm_type'), 0);
      if (fresh === 0) return false;
      type.set(last, 'm_next', fresh);
      for (const one of this.chain(fresh)) {
        const bytes = Math.min(mbufs.size(one), left);
        this.extend(one, bytes);
        left -= bytes;
        last = one;
      }
    }
    return true;
  }

  private extend(m: Ptr, bytes: number): void {
    if (bytes === 0) return;
    const len = this.type.get(m, 'm_len');
    this.k.space.writable(this.type.get(m, 'm_data') + len, bytes).fill(0);
    this.type.set(m, 'm_len', len + bytes);
  }

  /** M_TRAILINGSPACE(): 0 of a buffer that others use too. */
  trailingSpace(m: Ptr): number {
    if (!this.isWritable(m)) return 0;
    const mbufs = this.k.get(Mbufs);
    const end = mbufs.start(m) + mbufs.size(m);
    return end - (this.type.get(m, 'm_data') + this.type.get(m, 'm_len'));
  }

  private leadingSpace(m: Ptr): number {
    return this.isWritable(m) ? this.type.get(m, 'm_data') - this.k.get(Mbufs).start(m) : 0;
  }

  /** M_WRITABLE(). */
  isWritable(m: Ptr): boolean {
    const { k, type } = this;
    const flags = type.get(m, 'm_flags');
    if (flags & k.macro('M_RDONLY')) return false;
    if ((flags & k.macro('M_EXT')) === 0) return true;
    const embedded = type.get(m, 'm_ext.ext_flags') & k.macro('EXT_FLAG_EMBREF');
    const refs = embedded ? type.get(m, 'm_ext.ext_count') : k.space.load32(type.get(m, 'm_ext.ext_cnt'));
    return refs === 1;
  }

  /** m_adj(): cuts bytes off the front, or with a negative count off the end. */
  private adjust(m: Ptr, count: number): void {
    if (m === 0) return;
    if (count >= 0) this.cutFront(m, count);
    else this.cutEnd(m, -count);
  }

  private cutFront(m: Ptr, count: number): void {
    let left = count;
    for (const one of this.chain(m)) {
      const bytes = Math.min(this.type.get(one, 'm_len'), left);
      this.type.set(one, 'm_len', this.type.get(one, 'm_len') - bytes);
      if (this.type.get(one, 'm_len') > 0 || left === bytes)
        this.type.set(one, 'm_data', this.type.get(one, 'm_data') + bytes);
      left -= bytes;
      if (left === 0) break;
    }
    this.addLength(m, -(count - left));
  }

  private cutEnd(m: Ptr, count: number): void {
    const total = this.length(m);
    let keep = Math.max(0, total - count);
    if (this.hasHeader(m)) this.type.set(m, 'm_pkthdr.len', keep);
    for (const one of this.chain(m)) {
      const bytes = Math.min(this.type.get(one, 'm_len'), keep);
      this.type.set(one, 'm_len', bytes);
      keep -= bytes;
    }
  }

  private *append(m: Ptr, length: number, from: Ptr): Sleepable<number> {
    const before = this.length(m);
    yield* this.copyback(m, before, length, from);
    return Number(this.length(m) === before + length);
  }

  /** m_cat(): what is short is copied, the rest is linked. */
  private *concatenate(m: Ptr, n: Ptr): Sleepable<void> {
    const { k, type } = this;
    const { space } = k;
    const last = k.get(Mbufs).lastOf(m);
    let from = n;
    while (from !== 0) {
      const bytes = type.get(from, 'm_len');
      const isPlain = (type.get(last, 'm_flags') & k.macro('M_EXT')) === 0;
      if (!isPlain || this.trailingSpace(last) < bytes) {
        type.set(last, 'm_next', from);
        return;
      }
      const end = type.get(last, 'm_data') + type.get(last, 'm_len');
      space.writable(end, bytes).set(space.readable(type.get(from, 'm_data'), bytes));
      type.set(last, 'm_len', type.get(last, 'm_len') + bytes);
      from = yield* k.get(Mbufs).free(from);
    }
  }

  private *concatenatePackets(m: Ptr, n: Ptr): Sleepable<void> {
    this.addLength(m, this.type.get(n, 'm_pkthdr.len'));
    yield* this.demote(n, true, 0);
    yield* this.concatenate(m, n);
  }

  private *demoteHeader(m: Ptr): Sleepable<void> {
    yield* this.k.get(MbufTags).deleteChain(m, 0);
    const flags = this.type.get(m, 'm_flags');
    this.type.set(m, 'm_flags', flags & ~this.k.macro('M_PKTHDR'));
    this.k.space.writable(this.type.addr(m, 'm_pkthdr'), this.k.struct('pkthdr').size).fill(0);
  }

  /** m_demote(): packets' firsts become plain parts of a chain. */
  private *demote(m: Ptr, all: boolean, flags: number): Sleepable<void> {
    const { k, type } = this;
    const first = all ? m : type.get(m, 'm_next');
    const kept = k.macro('M_EXT') | k.macro('M_RDONLY') | k.macro('M_NOFREE') | k.macro('M_EXTPG') | flags;
    for (const one of [...this.chain(first)]) {
      if (this.hasHeader(one)) yield* this.demoteHeader(one);
      type.set(one, 'm_flags', type.get(one, 'm_flags') & kept);
    }
  }

  private getptr(m: Ptr, location: number, offset: Ptr): Ptr {
    let left = location;
    for (const one of this.chain(m)) {
      const len = this.type.get(one, 'm_len');
      const isLast = this.type.get(one, 'm_next') === 0;
      if (left < len || (isLast && left === len)) {
        this.k.space.store32(offset, left);
        return one;
      }
      left -= len;
    }
    return 0;
  }

  /** Room for a header before what there is; 0, and the chain gone, where there is no memory. */
  *prepend(m: Ptr, length: number, how: number): Sleepable<Ptr> {
    const { k, type } = this;
    if (this.leadingSpace(m) >= length) {
      type.set(m, 'm_data', type.get(m, 'm_data') - length);
      type.set(m, 'm_len', type.get(m, 'm_len') + length);
      this.addLength(m, length);
      return m;
    }
    const header = type.get(m, 'm_flags') & k.macro('M_PKTHDR');
    const fresh = yield* k.get(Mbufs).get(how, type.get(m, 'm_type'), header);
    if (fresh === 0) {
      yield* k.get(Mbufs).freem(m);
      return 0;
    }
    if (header) this.moveHeader(fresh, m);
    type.set(fresh, 'm_next', m);
    // At the end of its buffer: more may come before it.
    if (length < k.get(Mbufs).size(fresh))
      type.set(fresh, 'm_data', k.get(Mbufs).start(fresh) + ((k.get(Mbufs).size(fresh) - length) & ~7));
    type.set(fresh, 'm_len', length);
    this.addLength(fresh, length);
    return fresh;
  }

  /** m_move_pkthdr(): tags go with the header. */
  moveHeader(to: Ptr, from: Ptr): void {
    const { k, type } = this;
    const { size } = k.struct('pkthdr');
    const ext = type.get(to, 'm_flags') & (k.macro('M_EXT') | k.macro('M_EXTPG'));
    type.set(to, 'm_flags', (type.get(from, 'm_flags') & k.macro('M_COPYFLAGS')) | ext | k.macro('M_PKTHDR'));
    if (!ext) type.set(to, 'm_data', type.addr(to, 'm_pktdat'));
    k.space
      .writable(type.addr(to, 'm_pkthdr'), size)
      .set(k.space.readable(type.addr(from, 'm_pkthdr'), size));
    type.set(from, 'm_pkthdr.tags', 0);
    type.set(from, 'm_flags', type.get(from, 'm_flags') & ~k.macro('M_PKTHDR'));
  }

  /** The first `length` bytes lie together afterwards, `offset` bytes into the buffer; 0, and the chain gone, where that cannot be. */
  *pullup(m: Ptr, length: number, offset: number): Sleepable<Ptr> {
    const { k, type } = this;
    const mbufs = k.get(Mbufs);
    if (offset === 0 && type.get(m, 'm_len') >= length) return m;
    const header = type.get(m, 'm_flags') & k.macro('M_PKTHDR');
    const fits = length + offset <= mbufs.inlineRoom(header) && length <= this.length(m);
    const fresh = fits ? yield* mbufs.get(k.macro('M_NOWAIT'), type.get(m, 'm_type'), header) : 0;
    if (fresh === 0) {
      yield* mbufs.freem(m);
      return 0;
    }
    if (header) this.moveHeader(fresh, m);
    type.set(fresh, 'm_data', type.get(fresh, 'm_data') + offset);
    this.copydata(m, 0, length, type.get(fresh, 'm_data'));
    type.set(fresh, 'm_len', length);
    type.set(fresh, 'm_next', yield* this.dropFront(m, length));
    return fresh;
  }

  /** Frees mbufs of which nothing is left once `count` bytes are cut off the front. */
  private *dropFront(m: Ptr, count: number): Sleepable<Ptr> {
    this.cutFront(m, count);
    let rest = m;
    while (rest !== 0 && this.type.get(rest, 'm_len') === 0) rest = yield* this.k.get(Mbufs).free(rest);
    return rest;
  }

  /** Cuts in two after `length` bytes: the second part, 0 where there is no memory or nothing behind. */
  private *split(m: Ptr, length: number, how: number): Sleepable<Ptr> {
    const { k, type } = this;
    const mbufs = k.get(Mbufs);
    let left = length;
    let at = m;
    while (at !== 0 && left > type.get(at, 'm_len')) {
      left -= type.get(at, 'm_len');
      at = type.get(at, 'm_next');
    }
    if (at === 0) return 0;
    const remain = type.get(at, 'm_len') - left;
    const header = this.hasHeader(m) ? k.macro('M_PKTHDR') : 0;
    const isExt = (type.get(at, 'm_flags') & k.macro('M_EXT')) !== 0;
    const room = mbufs.inlineRoom(header);
    const fresh =
      isExt || remain <= room
        ? yield* mbufs.get(how, type.get(at, 'm_type'), header)
        : yield* mbufs.getcl(how, type.get(at, 'm_type'), header);
    if (fresh === 0) return 0;
    if (header) {
      type.set(fresh, 'm_pkthdr.rcvif', type.get(m, 'm_pkthdr.rcvif'));
      type.set(fresh, 'm_pkthdr.len', type.get(m, 'm_pkthdr.len') - length);
      type.set(m, 'm_pkthdr.len', length);
    }
    if (isExt) {
      mbufs.share(fresh, at);
      type.set(fresh, 'm_data', type.get(at, 'm_data') + left);
    } else if (remain > 0) {
      k.space
        .writable(type.get(fresh, 'm_data'), remain)
        .set(k.space.readable(type.get(at, 'm_data') + left, remain));
    }
    type.set(fresh, 'm_len', remain);
    type.set(at, 'm_len', left);
    type.set(fresh, 'm_next', type.get(at, 'm_next'));
    type.set(at, 'm_next', 0);
    return fresh;
  }
}

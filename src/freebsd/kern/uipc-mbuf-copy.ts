import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { MbufChains } from './uipc-mbuf.js';
import { MbufTags } from './uipc-mbuf2.js';

/** Copies of chains of mbufs, with their clusters shared or not (sys/kern/uipc_mbuf.c). */
export class MbufCopies implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    m_copym: (m: Ptr, offset: number, length: number, how: number) => this.copym(m, offset, length, how),
    m_copypacket: (m: Ptr, how: number) => this.copym(m, 0, this.k.macro('M_COPYALL'), how),
    m_dup: (m: Ptr, how: number) => this.duplicate(m, how),
    m_dup_pkthdr: (to: Ptr, from: Ptr, how: number) => this.duplicateHeader(to, from, how),
    m_defrag: (m: Ptr, how: number) => this.defrag(m, how),
    m_collapse: (m: Ptr, how: number, most: number) => this.collapse(m, how, most),
    m_unshare: (m: Ptr, how: number) => this.unshare(m, how),
    m_devget: (from: Ptr, length: number, offset: number, ifp: Ptr, copy: Ptr) =>
      this.devget(from, length, offset, ifp, copy),
    m_pulldown: (m: Ptr, offset: number, length: number, place: Ptr) =>
      this.pulldown(m, offset, length, place),
    m_rcvif_serialize: (m: Ptr) => this.serializeInterface(m),
    m_rcvif_restore: (m: Ptr) => this.restoreInterface(m),
  };

  private get type() {
    return this.k.struct('mbuf');
  }

  /** m_copym(): read-only, since clusters are shared; M_COPYALL is all that there is. 0 where there is no memory. */
  *copym(m: Ptr, offset: number, length: number, how: number): Sleepable<Ptr> {
    const { k, type } = this;
    const mbufs = k.get(Mbufs);
    const all = length === k.macro('M_COPYALL');
    let [skip, left, first, last] = [offset, all ? Number.POSITIVE_INFINITY : length, 0, 0];
    for (const one of [...k.get(MbufChains).chain(m)]) {
      const len = type.get(one, 'm_len');
      if (left <= 0) break;
      if (skip >= len && len > 0) {
        skip -= len;
        continue;
      }
      const withHeader = first === 0 && offset === 0 && (type.get(m, 'm_flags') & k.macro('M_PKTHDR')) !== 0;
      const n = yield* mbufs.get(how, type.get(one, 'm_type'), withHeader ? k.macro('M_PKTHDR') : 0);
      const ok = n !== 0 && (!withHeader || (yield* this.duplicateHeader(n, m, how)) !== 0);
      if (!ok) {
        if (n !== 0) yield* mbufs.freem(n);
        if (first !== 0) yield* mbufs.freem(first);
        return 0;
      }
      const bytes = Math.min(len - skip, left);
      if (withHeader && !all) type.set(n, 'm_pkthdr.len', length);
      this.copyPiece(n, one, skip, bytes);
      if (last === 0) first = n;
      else type.set(last, 'm_next', n);
      last = n;
      left -= bytes;
      skip = 0;
    }
    return first;
  }

  private copyPiece(n: Ptr, from: Ptr, skip: number, bytes: number): void {
    const { k, type } = this;
    type.set(n, 'm_len', bytes);
    if (type.get(from, 'm_flags') & k.macro('M_EXT')) {
      type.set(n, 'm_data', type.get(from, 'm_data') + skip);
      k.get(Mbufs).share(n, from);
      return;
    }
    k.space
      .writable(type.get(n, 'm_data'), bytes)
      .set(k.space.readable(type.get(from, 'm_data') + skip, bytes));
  }

  /** m_dup_pkthdr(): 1, or 0 where a tag could not be copied. */
  *duplicateHeader(to: Ptr, from: Ptr, how: number): Sleepable<number> {
    const { k, type } = this;
    const { size } = k.struct('pkthdr');
    const ext = type.get(to, 'm_flags') & (k.macro('M_EXT') | k.macro('M_EXTPG'));
    const kept = type.get(from, 'm_flags') & k.macro('M_COPYFLAGS') & ~k.macro('M_EXT');
    type.set(to, 'm_flags', kept | ext | k.macro('M_PKTHDR'));
    if (!ext) type.set(to, 'm_data', type.addr(to, 'm_pktdat'));
    k.space
      .writable(type.addr(to, 'm_pkthdr'), size)
      .set(k.space.readable(type.addr(from, 'm_pkthdr'), size));
    type.set(to, 'm_pkthdr.tags', 0);
    return yield* k.get(MbufTags).copyChain(to, from, how);
  }

  /** m_dup(): a copy that can be written. */
  private *duplicate(m: Ptr, how: number): Sleepable<Ptr> {
    const { k, type } = this;
    if (m === 0) return 0;
    const mbufs = k.get(Mbufs);
    const length = k.get(MbufChains).length(m);
    const header = type.get(m, 'm_flags') & k.macro('M_PKTHDR');
    const fresh = yield* mbufs.getm2(0, length, how, type.get(m, 'm_type'), header);
    if (fresh === 0) return 0;
    if (header && (yield* this.duplicateHeader(fresh, m, how)) === 0) {
      yield* mbufs.freem(fresh);
      return 0;
    }
    this.fill(fresh, m, length);
    return fresh;
  }

  /** Copies `length` bytes into the buffers of a chain that has room for them. */
  private fill(to: Ptr, from: Ptr, length: number): void {
    const { k, type } = this;
    let done = 0;
    for (const one of k.get(MbufChains).chain(to)) {
      const bytes = Math.min(k.get(Mbufs).size(one), length - done);
      if (bytes > 0) k.get(MbufChains).copydata(from, done, bytes, type.get(one, 'm_data'));
      type.set(one, 'm_len', bytes);
      done += bytes;
    }
  }

  /** m_defrag(): as few mbufs as it takes; the old chain is gone unless the answer is 0. */
  private *defrag(m: Ptr, how: number): Sleepable<Ptr> {
    const { k, type } = this;
    const mbufs = k.get(Mbufs);
    if ((type.get(m, 'm_flags') & k.macro('M_PKTHDR')) === 0) return m;
    const length = type.get(m, 'm_pkthdr.len');
    const fresh = yield* mbufs.getm2(0, length, how, k.macro('MT_DATA'), k.macro('M_PKTHDR'));
    if (fresh === 0) return 0;
    this.fill(fresh, m, length);
    k.get(MbufChains).moveHeader(fresh, m);
    yield* mbufs.freem(m);
    return fresh;
  }

  /** m_collapse(): at most `most` mbufs. */
  private *collapse(m: Ptr, how: number, most: number): Sleepable<Ptr> {
    const count = (chain: Ptr): number => [...this.k.get(MbufChains).chain(chain)].length;
    if (count(m) <= most) return m;
    const fresh = yield* this.defrag(m, how);
    return fresh !== 0 && count(fresh) <= most ? fresh : 0;
  }

  /** m_unshare(): nobody else uses its buffers afterwards; 0, and the chain gone, where there is no memory. */
  private *unshare(m: Ptr, how: number): Sleepable<Ptr> {
    const { k } = this;
    if ([...k.get(MbufChains).chain(m)].every((one) => k.get(MbufChains).isWritable(one))) return m;
    const fresh = yield* this.duplicate(m, how);
    yield* k.get(Mbufs).freem(m);
    return fresh;
  }

  /** m_devget(): a packet of what a device has in its memory. */
  private *devget(from: Ptr, length: number, offset: number, ifp: Ptr, copy: Ptr): Sleepable<Ptr> {
    const { k, type } = this;
    if (offset < 0 || offset > k.get(Mbufs).inlineRoom(k.macro('M_PKTHDR'))) return 0;
    const how = k.macro('M_NOWAIT');
    const first = yield* k.get(Mbufs).getm2(0, length + offset, how, k.macro('MT_DATA'), k.macro('M_PKTHDR'));
    if (first === 0) return 0;
    type.set(first, 'm_pkthdr.rcvif', ifp);
    type.set(first, 'm_pkthdr.len', length);
    let done = 0;
    for (const one of k.get(MbufChains).chain(first)) {
      const skip = one === first ? offset : 0;
      type.set(one, 'm_data', type.get(one, 'm_data') + skip);
      const bytes = Math.min(k.get(Mbufs).size(one) - skip, length - done);
      if (copy !== 0) yield* k.callAs('v:ppu', copy, from + done, type.get(one, 'm_data'), bytes);
      else k.space.writable(type.get(one, 'm_data'), bytes).set(k.space.readable(from + done, bytes));
      type.set(one, 'm_len', bytes);
      done += bytes;
    }
    return first;
  }

  /** m_pulldown(): `length` bytes from `offset` on lie together; where they are: an mbuf and an offset in it. */
  private *pulldown(m: Ptr, offset: number, length: number, place: Ptr): Sleepable<Ptr> {
    const { k, type } = this;
    let left = offset;
    let at = m;
    while (at !== 0 && left >= type.get(at, 'm_len')) {
      left -= type.get(at, 'm_len');
      at = type.get(at, 'm_next');
    }
    if (at !== 0 && type.get(at, 'm_len') - left >= length) {
      if (place !== 0) k.space.store32(place, left);
      else if (left !== 0) at = 0;
      if (at !== 0) return at;
    }
    const tail = yield* k.get(MbufChains).exports.m_split(m, offset, k.macro('M_NOWAIT'));
    const pulled = tail === 0 ? 0 : yield* k.get(MbufChains).pullup(tail, length, 0);
    if (pulled === 0) {
      yield* k.get(Mbufs).freem(m);
      return 0;
    }
    type.set(k.get(Mbufs).lastOf(m), 'm_next', pulled);
    if (type.get(m, 'm_flags') & k.macro('M_PKTHDR'))
      type.set(m, 'm_pkthdr.len', k.get(MbufChains).length(m));
    if (place !== 0) k.space.store32(place, 0);
    return pulled;
  }

  /** The interface that a packet came by, as its index and generation: it may go while the packet waits. */
  private serializeInterface(m: Ptr): void {
    const { type } = this;
    const net = this.k.struct('ifnet');
    const ifp = type.get(m, 'm_pkthdr.rcvif');
    type.set(m, 'm_pkthdr.rcvidx', net.get(ifp, 'if_index'));
    type.set(m, 'm_pkthdr.rcvgen', net.get(ifp, 'if_idxgen'));
  }

  private *restoreInterface(m: Ptr): Sleepable<Ptr> {
    const { type } = this;
    const [index, generation] = [type.get(m, 'm_pkthdr.rcvidx'), type.get(m, 'm_pkthdr.rcvgen')];
    const ifp = yield* this.k.callAs('p:HH', this.k.fn('ifnet_byindexgen'), index, generation);
    if (ifp !== 0) type.set(m, 'm_pkthdr.rcvif', ifp);
    return ifp;
  }
}

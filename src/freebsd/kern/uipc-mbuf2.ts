import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';

/** Tags that packets carry (mbuf_tags(9), sys/kern/uipc_mbuf2.c): a list in memory, which modules walk by inlined code. */
export class MbufTags implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    m_tag_alloc: (cookie: number, type: number, length: number, wait: number) =>
      this.alloc(cookie, type, length, wait),
    m_tag_delete: (m: Ptr, tag: Ptr) => this.delete(m, tag),
    m_tag_delete_chain: (m: Ptr, tag: Ptr) => this.deleteChain(m, tag),
    m_tag_delete_nonpersistent: (m: Ptr) => this.deleteNonPersistent(m),
    m_tag_locate: (m: Ptr, cookie: number, type: number, tag: Ptr) => this.locate(m, cookie, type, tag),
    m_tag_copy: (tag: Ptr, how: number) => this.copy(tag, how),
    m_tag_copy_chain: (to: Ptr, from: Ptr, how: number) => this.copyChain(to, from, how),
    m_tag_free_default: (tag: Ptr) => void this.k.slab.free(tag),
    m_snd_tag_init: (tag: Ptr, ifp: Ptr, sw: Ptr) => {
      const type = this.k.struct('m_snd_tag');
      const net = this.k.struct('ifnet');
      net.set(ifp, 'if_refcount', net.get(ifp, 'if_refcount') + 1);
      type.set(tag, 'ifp', ifp);
      type.set(tag, 'sw', sw);
      type.set(tag, 'refcount', 1);
    },
  };

  boot(): void {
    this.k.get(Mbufs).deleteTags = (m) => this.deleteChain(m, 0);
  }

  private get type() {
    return this.k.struct('m_tag');
  }

  private head(m: Ptr): Ptr {
    return this.k.struct('mbuf').addr(m, 'm_pkthdr.tags');
  }

  private *tags(m: Ptr): Generator<Ptr> {
    for (let tag = this.k.space.loadPtr(this.head(m)); tag !== 0; ) {
      const next = this.k.space.loadPtr(tag);
      yield tag;
      tag = next;
    }
  }

  private alloc(cookie: number, type: number, length: number, _wait: number): Ptr {
    if (length < 0) return 0;
    const tag = this.k.slab.allocateBytes(length + this.type.size, false, true);
    if (tag === 0) return 0;
    this.type.set(tag, 'm_tag_link', 0);
    this.type.set(tag, 'm_tag_id', type);
    this.type.set(tag, 'm_tag_len', length);
    this.type.set(tag, 'm_tag_cookie', cookie >>> 0);
    this.type.set(tag, 'm_tag_free', this.k.fn('m_tag_free_default'));
    return tag;
  }

  private unlink(m: Ptr, tag: Ptr): void {
    const { space } = this.k;
    for (let at = this.head(m); space.loadPtr(at) !== 0; at = space.loadPtr(at))
      if (space.loadPtr(at) === tag) {
        space.storePtr(at, space.loadPtr(tag));
        return;
      }
  }

  private *delete(m: Ptr, tag: Ptr): Sleepable<void> {
    this.unlink(m, tag);
    yield* this.type.call(tag, 'm_tag_free', tag);
  }

  /** All behind a tag and itself, or without one all that there are. */
  *deleteChain(m: Ptr, tag: Ptr): Sleepable<void> {
    let found = tag === 0;
    for (const one of [...this.tags(m)]) {
      found ||= one === tag;
      if (found) yield* this.delete(m, one);
    }
  }

  private *deleteNonPersistent(m: Ptr): Sleepable<void> {
    for (const one of [...this.tags(m)])
      if ((this.type.get(one, 'm_tag_id') & this.k.macro('MTAG_PERSISTENT')) === 0)
        yield* this.delete(m, one);
  }

  private locate(m: Ptr, cookie: number, type: number, after: Ptr): Ptr {
    let found = after === 0;
    for (const tag of this.tags(m)) {
      const fits =
        this.type.get(tag, 'm_tag_cookie') === cookie >>> 0 && this.type.get(tag, 'm_tag_id') === type;
      if (found && fits) return tag;
      found ||= tag === after;
    }
    return 0;
  }

  private copy(tag: Ptr, how: number): Ptr {
    const { k } = this;
    const length = this.type.get(tag, 'm_tag_len');
    const copy = this.alloc(this.type.get(tag, 'm_tag_cookie'), this.type.get(tag, 'm_tag_id'), length, how);
    if (copy === 0 || length === 0) return copy;
    k.space.writable(copy + this.type.size, length).set(k.space.readable(tag + this.type.size, length));
    return copy;
  }

  /** In the same order: 1, or 0 where one could not be copied. */
  *copyChain(to: Ptr, from: Ptr, how: number): Sleepable<number> {
    yield* this.deleteChain(to, 0);
    let last = this.head(to);
    for (const tag of this.tags(from)) {
      const copy = this.copy(tag, how);
      if (copy === 0) {
        yield* this.deleteChain(to, 0);
        return 0;
      }
      this.k.space.storePtr(last, copy);
      last = copy;
    }
    return 1;
  }
}

import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOMEM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Panic } from './panic.js';
import { Uma } from './uma.js';

/** Buffers outside of an mbuf, by size: their zones, and what UMA calls these. */
const CLUSTERS = {
  zone_clust: { name: 'mbuf_cluster', bytes: 'MCLBYTES', type: 'EXT_CLUSTER' },
  zone_jumbop: { name: 'mbuf_jumbo_page', bytes: 'MJUMPAGESIZE', type: 'EXT_JUMBOP' },
  zone_jumbo9: { name: 'mbuf_jumbo_9k', bytes: 'MJUM9BYTES', type: 'EXT_JUMBO9' },
  zone_jumbo16: { name: 'mbuf_jumbo_16k', bytes: 'MJUM16BYTES', type: 'EXT_JUMBO16' },
} as const;
type ClusterZone = keyof typeof CLUSTERS;

export const MSIZE = 256;
/** Argument of mb_dtor_mbuf(): an mbuf whose tags are gone already (sys/sys/mbuf.h). */
const MB_DTOR_SKIP = 1;
const CTOR = 'i:pipi';
const DTOR = 'v:pip';
const EXT_ALIGN = 7;

/**
 * mbuf(9): the zones that mbufs and their clusters are of, and allocation and release (sys/kern/kern_mbuf.c). m_get() and its kin are
 * inlined in modules: they call uma_zalloc_arg() with a struct mb_args, so the zones' constructors make mbufs what they are.
 */
export class Mbufs implements Subsystem {
  private noArgs: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    m_getjcl: (how: number, type: number, flags: number, size: number) => this.getjcl(how, type, flags, size),
    m_get2: (size: number, how: number, type: number, flags: number) => this.get2(size, how, type, flags),
    m_getm2: (head: Ptr, length: number, how: number, type: number, flags: number) =>
      this.getm2(head, length, how, type, flags),
    m_clget: (m: Ptr, how: number) => this.attachCluster(m, how, 'zone_clust'),
    m_cljget: (m: Ptr, how: number, size: number) => this.cljget(m, how, size),
    m_extadd: (
      m: Ptr,
      buf: Ptr,
      size: number,
      free: Ptr,
      arg1: Ptr,
      arg2: Ptr,
      flags: number,
      type: number,
    ) => this.extadd(m, buf, size, free, arg1, arg2, flags, type),
    m_freem: (m: Ptr) => this.freem(m),
    m_free_raw: (m: Ptr) => this.freeRaw(m),
    m_pkthdr_init: (m: Ptr) => {
      this.initHeader(m);
      return 0;
    },
    mb_free_ext: (m: Ptr) => this.freeExt(m),
    mb_dupcl: (n: Ptr, m: Ptr) => this.share(n, m),
  };

  readonly signatures = { m_getjcl: 'p:ihii', m_extadd: 'v:ppupppii' };

  readonly data = {
    zone_mbuf: (at: Ptr) => this.k.space.storePtr(at, this.mbufZone()),
    zone_pack: (at: Ptr) => this.k.space.storePtr(at, this.packZone()),
    ...Object.fromEntries(
      (Object.keys(CLUSTERS) as ClusterZone[]).map((zone) => [
        zone,
        (at: Ptr) => this.k.space.storePtr(at, this.clusterZone(zone)),
      ]),
    ),
  };

  get type() {
    return this.k.struct('mbuf');
  }

  private mbufZone(): Ptr {
    const { k } = this;
    const { exports } = k;
    const ctor = exports.hostFunction('mb_ctor_mbuf', CTOR, (m: Ptr, _size: number, args: Ptr) =>
      this.construct(m, args),
    );
    const dtor = exports.hostFunction('mb_dtor_mbuf', DTOR, (m: Ptr, _size: number, flags: Ptr) =>
      this.dropTags(m, flags),
    );
    return k.get(Uma).create('mbuf', MSIZE, { ctor, dtor, init: 0, fini: 0 }, MSIZE - 1, 0);
  }

  /** An mbuf and its cluster in one go. */
  private packZone(): Ptr {
    const { k } = this;
    const self = this;
    function* construct(m: Ptr, _size: number, args: Ptr, how: number): Sleepable<number> {
      self.construct(m, args);
      return (yield* self.attachCluster(m, how, 'zone_clust', 'EXT_PACKET')) ? 0 : ENOMEM;
    }
    function* destruct(m: Ptr): Sleepable<void> {
      yield* self.dropTags(m, 0);
      yield* k.get(Uma).free(self.zone('zone_clust'), self.type.get(m, 'm_ext.ext_buf'), 0);
    }
    const ctor = k.exports.hostFunction('mb_ctor_pack', CTOR, construct);
    const dtor = k.exports.hostFunction('mb_dtor_pack', DTOR, destruct);
    return k.get(Uma).create('mbuf_packet', MSIZE, { ctor, dtor, init: 0, fini: 0 }, MSIZE - 1, 0);
  }

  private clusterZone(zone: ClusterZone): Ptr {
    const { k } = this;
    const { name, bytes } = CLUSTERS[zone];
    const ctor = k.exports.hostFunction(`mb_ctor_clust ${name}`, CTOR, (buf: Ptr, size: number, m: Ptr) => {
      if (m !== 0) this.setCluster(m, buf, size, CLUSTERS[zone].type);
      return 0;
    });
    return k.get(Uma).create(name, k.macro(bytes), { ctor, dtor: 0, init: 0, fini: 0 }, EXT_ALIGN, 0);
  }

  private zone(name: ClusterZone | 'zone_mbuf' | 'zone_pack'): Ptr {
    return this.k.space.loadPtr(this.k.variable(name));
  }

  private construct(m: Ptr, args: Ptr): number {
    const type = this.k.struct('mb_args');
    const kind = type.get(args, 'type');
    if (kind === this.k.macro('MT_NOINIT')) return 0;
    this.init(m, kind, type.get(args, 'flags'));
    return 0;
  }

  /** m_init(). */
  init(m: Ptr, kind: number, flags: number): void {
    const { type } = this;
    type.set(m, 'm_next', 0);
    type.set(m, 'm_nextpkt', 0);
    type.set(m, 'm_len', 0);
    type.set(m, 'm_type', kind);
    type.set(m, 'm_flags', flags);
    const header = (flags & this.k.macro('M_PKTHDR')) !== 0;
    type.set(m, 'm_data', type.addr(m, header ? 'm_pktdat' : 'm_dat'));
    if (header) this.initHeader(m);
  }

  private initHeader(m: Ptr): void {
    const at = this.type.addr(m, 'm_pkthdr');
    this.k.space.writable(at, this.k.struct('pkthdr').size).fill(0);
    this.type.set(m, 'm_pkthdr.numa_domain', this.k.macro('M_NODOM'));
  }

  private *dropTags(m: Ptr, flags: Ptr): Sleepable<void> {
    const { k, type } = this;
    if (flags & MB_DTOR_SKIP || (type.get(m, 'm_flags') & k.macro('M_PKTHDR')) === 0) return;
    if (type.get(m, 'm_pkthdr.tags') !== 0) yield* this.deleteTags(m);
  }

  /** m_tag_delete_chain(m, NULL): set by who keeps tags. */
  deleteTags: (m: Ptr) => Sleepable<void> = function* none() {
    yield { kind: 'yield' };
  };

  boot(): void {
    const type = this.k.struct('mb_args');
    this.noArgs = this.k.permanent(type.size);
    type.set(this.noArgs, 'type', this.k.macro('MT_NOINIT'));
  }

  /** m_get() and m_gethdr(): 0 where there is no memory and nobody may wait. */
  *get(how: number, kind: number, flags: number): Sleepable<Ptr> {
    const m = yield* this.k.get(Uma).alloc(this.zone('zone_mbuf'), this.noArgs, how);
    if (m !== 0) this.init(m, kind, flags);
    return m;
  }

  /** m_getcl(). */
  *getcl(how: number, kind: number, flags: number): Sleepable<Ptr> {
    return yield* this.getjcl(how, kind, flags, this.k.macro('MCLBYTES'));
  }

  *getjcl(how: number, kind: number, flags: number, size: number): Sleepable<Ptr> {
    const m = yield* this.get(how, kind, flags);
    if (m === 0) return 0;
    if (yield* this.attachCluster(m, how, this.zoneOfSize(size))) return m;
    yield* this.freeRaw(m);
    return 0;
  }

  private zoneOfSize(size: number): ClusterZone {
    for (const zone of Object.keys(CLUSTERS) as ClusterZone[])
      if (this.k.macro(CLUSTERS[zone].bytes) === size) return zone;
    throw new Panic(`m_getjcl: invalid cluster size ${size}`);
  }

  private *attachCluster(m: Ptr, how: number, zone: ClusterZone, as?: string): Sleepable<boolean> {
    const { k } = this;
    const buf = yield* k.get(Uma).alloc(this.zone(zone), 0, how);
    if (buf === 0) return false;
    this.setCluster(m, buf, k.macro(CLUSTERS[zone].bytes), as ?? CLUSTERS[zone].type);
    return true;
  }

  private *cljget(m: Ptr, how: number, size: number): Sleepable<Ptr> {
    return yield* this.k.get(Uma).alloc(this.zone(this.zoneOfSize(size)), m, how);
  }

  private setCluster(m: Ptr, buf: Ptr, size: number, kind: string): void {
    const { k, type } = this;
    type.set(m, 'm_ext.ext_buf', buf);
    type.set(m, 'm_data', buf);
    type.set(m, 'm_flags', type.get(m, 'm_flags') | k.macro('M_EXT'));
    for (const member of ['ext_free', 'ext_arg1', 'ext_arg2']) type.set(m, `m_ext.${member}`, 0);
    type.set(m, 'm_ext.ext_size', size);
    type.set(m, 'm_ext.ext_type', k.macro(kind));
    type.set(m, 'm_ext.ext_flags', k.macro('EXT_FLAG_EMBREF'));
    type.set(m, 'm_ext.ext_count', 1);
  }

  /** What one mbuf holds without a cluster, of a packet's first and of others: MHLEN and MLEN. */
  inlineRoom(flags: number): number {
    const header = (flags & this.k.macro('M_PKTHDR')) !== 0;
    return MSIZE - this.type.offsetOf(header ? 'm_pktdat' : 'm_dat');
  }

  private *get2(size: number, how: number, kind: number, flags: number): Sleepable<Ptr> {
    if (size <= this.inlineRoom(flags)) return yield* this.get(how, kind, flags);
    if (size <= this.k.macro('MCLBYTES')) return yield* this.getcl(how, kind, flags);
    if (size > this.k.macro('MJUMPAGESIZE')) return 0;
    return yield* this.getjcl(how, kind, flags, this.k.macro('MJUMPAGESIZE'));
  }

  /** m_getm2(): a chain with room for `length` bytes, behind `head` where there is one. */
  *getm2(head: Ptr, length: number, how: number, kind: number, flags: number): Sleepable<Ptr> {
    const { k, type } = this;
    let left = length;
    let wanted = flags & (k.macro('M_PKTHDR') | k.macro('M_EOR'));
    let [first, last] = [0, 0];
    if (head !== 0) wanted &= ~k.macro('M_PKTHDR');
    while (left > 0 || first === 0) {
      const large = left > k.macro('MCLBYTES');
      const m = large
        ? yield* this.getjcl(how, kind, wanted & ~k.macro('M_EOR'), k.macro('MJUMPAGESIZE'))
        : yield* this.get2(Math.max(left, 1), how, kind, wanted & ~k.macro('M_EOR'));
      if (m === 0) {
        if (first !== 0) yield* this.freem(first);
        return 0;
      }
      wanted &= ~k.macro('M_PKTHDR');
      if (last === 0) first = m;
      else type.set(last, 'm_next', m);
      last = m;
      left -= this.size(m);
    }
    if (flags & k.macro('M_EOR')) type.set(last, 'm_flags', type.get(last, 'm_flags') | k.macro('M_EOR'));
    if (head === 0) return first;
    type.set(this.lastOf(head), 'm_next', first);
    return head;
  }

  lastOf(m: Ptr): Ptr {
    let last = m;
    for (let next = this.type.get(m, 'm_next'); next !== 0; next = this.type.get(next, 'm_next')) last = next;
    return last;
  }

  /** M_SIZE(): bytes of the buffer. */
  size(m: Ptr): number {
    const flags = this.type.get(m, 'm_flags');
    return flags & this.k.macro('M_EXT') ? this.type.get(m, 'm_ext.ext_size') : this.inlineRoom(flags);
  }

  /** M_START(): where the buffer begins. */
  start(m: Ptr): Ptr {
    const flags = this.type.get(m, 'm_flags');
    if (flags & this.k.macro('M_EXT')) return this.type.get(m, 'm_ext.ext_buf');
    return this.type.addr(m, flags & this.k.macro('M_PKTHDR') ? 'm_pktdat' : 'm_dat');
  }

  private extadd(
    m: Ptr,
    buf: Ptr,
    size: number,
    free: Ptr,
    arg1: Ptr,
    arg2: Ptr,
    flags: number,
    kind: number,
  ): void {
    const { k, type } = this;
    type.set(m, 'm_flags', type.get(m, 'm_flags') | k.macro('M_EXT') | flags);
    type.set(m, 'm_ext.ext_buf', buf);
    type.set(m, 'm_data', buf);
    type.set(m, 'm_ext.ext_size', size);
    type.set(m, 'm_ext.ext_free', free);
    type.set(m, 'm_ext.ext_arg1', arg1);
    type.set(m, 'm_ext.ext_arg2', arg2);
    type.set(m, 'm_ext.ext_type', kind);
    if (kind === k.macro('EXT_EXTREF')) {
      type.set(m, 'm_ext.ext_flags', 0);
      return;
    }
    type.set(m, 'm_ext.ext_count', 1);
    type.set(m, 'm_ext.ext_flags', k.macro('EXT_FLAG_EMBREF'));
  }

  /** mb_dupcl(): `n` uses the cluster of `m` too. */
  share(n: Ptr, m: Ptr): void {
    const { k, type } = this;
    const embedded = (type.get(m, 'm_ext.ext_flags') & k.macro('EXT_FLAG_EMBREF')) !== 0;
    const counter = embedded ? type.addr(m, 'm_ext.ext_count') : type.get(m, 'm_ext.ext_cnt');
    k.space.store32(counter, k.space.load32(counter) + 1);
    const isReference = type.get(m, 'm_ext.ext_type') === k.macro('EXT_EXTREF');
    const bytes = isReference ? k.sizeOf('m_ext') : k.struct('m_ext').offsetOf('ext_arg2');
    k.space.writable(type.addr(n, 'm_ext'), bytes).set(k.space.readable(type.addr(m, 'm_ext'), bytes));
    type.set(n, 'm_ext.ext_cnt', counter);
    type.set(n, 'm_ext.ext_flags', type.get(m, 'm_ext.ext_flags') & ~k.macro('EXT_FLAG_EMBREF'));
    const kept = k.macro('M_RDONLY') | k.macro('M_EXT') | (type.get(m, 'm_flags') & k.macro('M_RDONLY'));
    type.set(n, 'm_flags', type.get(n, 'm_flags') | k.macro('M_EXT') | (kept & type.get(m, 'm_flags')));
  }

  /** m_freem(): the whole chain. */
  *freem(m: Ptr): Sleepable<void> {
    for (let at = m; at !== 0; ) at = yield* this.free(at);
  }

  /** m_free(): one, and what came behind it. */
  *free(m: Ptr): Sleepable<Ptr> {
    const { k, type } = this;
    const next = type.get(m, 'm_next');
    const flags = type.get(m, 'm_flags');
    if (flags & k.macro('M_EXTPG')) k.panic('mb_free_extpg: mbufs of unmapped pages are not implemented');
    if (flags & k.macro('M_EXT')) yield* this.freeExt(m);
    else if ((flags & k.macro('M_NOFREE')) === 0) yield* k.get(Uma).free(this.zone('zone_mbuf'), m, 0);
    return next;
  }

  private *freeRaw(m: Ptr): Sleepable<void> {
    const { k } = this;
    yield* k.get(Uma).free(this.zone('zone_mbuf'), m, MB_DTOR_SKIP);
  }

  *freeExt(m: Ptr): Sleepable<void> {
    const { k, type } = this;
    const embedded = (type.get(m, 'm_ext.ext_flags') & k.macro('EXT_FLAG_EMBREF')) !== 0;
    const counter = embedded ? type.addr(m, 'm_ext.ext_count') : type.get(m, 'm_ext.ext_cnt');
    const owner = counter - type.offsetOf('m_ext.ext_count');
    const noFree = (type.get(m, 'm_flags') & k.macro('M_NOFREE')) !== 0;
    const refs = k.space.load32(counter) - 1;
    k.space.store32(counter, refs >>> 0);
    if (refs === 0) yield* this.freeOwner(m, owner);
    if (!noFree && m !== owner) yield* k.get(Uma).free(this.zone('zone_mbuf'), m, 0);
  }

  /** The last user of a buffer is gone: the buffer goes, and the mbuf that counted. */
  private *freeOwner(m: Ptr, owner: Ptr): Sleepable<void> {
    const { k, type } = this;
    const uma = k.get(Uma);
    const kind = type.get(m, 'm_ext.ext_type');
    if (kind === k.macro('EXT_PACKET')) {
      yield* uma.free(this.zone('zone_pack'), owner, 0);
      return;
    }
    for (const zone of Object.keys(CLUSTERS) as ClusterZone[]) {
      if (kind !== k.macro(CLUSTERS[zone].type)) continue;
      yield* uma.free(this.zone(zone), type.get(m, 'm_ext.ext_buf'), 0);
      yield* uma.free(this.zone('zone_mbuf'), owner, 0);
      return;
    }
    if (kind === k.macro('EXT_RXRING')) return;
    const own = kind === k.macro('EXT_EXTREF') ? m : owner;
    yield* type.call(own, 'm_ext.ext_free', own);
    if (kind !== k.macro('EXT_EXTREF')) yield* uma.free(this.zone('zone_mbuf'), owner, 0);
  }
}

import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EFBIG, EINVAL, ENOMEM } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import { Mutexes } from '../kern/mutex.js';
import { Panic } from '../kern/panic.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Memory, type Piece, SEGMENT_BYTES, segmentsOf } from './busdma-segments.js';
import { BOUNCE_IMPL, DmaTag, TAG_BYTES, type TagLimits } from './busdma-tag.js';

/** struct bus_dmamap: nobody but the implementation looks into one. */
const MAP_BYTES = 64;
/** BUS_DMA_* (sys/bus_dma.h). */
const BUS_DMA_NOWAIT = 0x1;
const BUS_DMA_ZERO = 0x8;
const BUS_DMA_LOCK = 1;
const BUS_DMA_UNLOCK = 2;

interface DmaMap {
  readonly tag: Ptr;
  loaded: boolean;
}

/**
 * bus_dma(9) of amd64 (sys/x86/x86/busdma_machdep.c, busdma_bounce.c): tags say what a device can reach, maps load memory for it. Most
 * calls are inlined in modules and go through the tag's table of functions. A physical address is the lower half of a kernel address.
 */
export class BusDma implements Subsystem {
  private readonly tags = new Map<Ptr, { maps: number }>();
  private readonly maps = new Map<Ptr, DmaMap>();
  private readonly memory = new Set<Ptr>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    bus_dma_tag_create: (
      parent: Ptr,
      alignment: bigint,
      boundary: bigint,
      lowaddr: bigint,
      highaddr: bigint,
      filter: Ptr,
      filterarg: Ptr,
      maxsize: bigint,
      nsegments: number,
      maxsegsz: bigint,
      flags: number,
      lockfunc: Ptr,
      lockfuncarg: Ptr,
      place: Ptr,
    ) =>
      this.createTag(
        parent,
        {
          alignment,
          boundary,
          lowaddr,
          highaddr,
          filter,
          filterarg,
          maxsize,
          nsegments,
          maxsegsz,
          flags,
          lockfunc,
          lockfuncarg,
        },
        place,
      ),
    bus_dma_tag_destroy: (tag: Ptr) => this.destroyTag(tag),
    bus_dma_tag_set_domain: (tag: Ptr, domain: number) => {
      new DmaTag(this.k, tag).domain = domain;
      return 0;
    },
    bus_dma_iommu_set_buswide: () => false,
    bus_dmamap_load: (tag: Ptr, map: Ptr, buffer: Ptr, bytes: bigint, callback: Ptr, arg: Ptr) =>
      this.load(tag, map, [{ at: buffer, bytes: Number(bytes) }], callback, arg),
    bus_dmamap_load_mbuf: (tag: Ptr, map: Ptr, mbuf: Ptr, callback: Ptr, arg: Ptr) =>
      this.loadSized(tag, map, this.pieces.ofMbuf(mbuf), callback, arg),
    bus_dmamap_load_uio: (tag: Ptr, map: Ptr, uio: Ptr, callback: Ptr, arg: Ptr) =>
      this.loadSized(tag, map, this.pieces.ofUio(uio), callback, arg),
    bus_dmamap_load_mbuf_sg: (tag: Ptr, map: Ptr, mbuf: Ptr, segments: Ptr, count: Ptr) =>
      this.loadInto(tag, map, this.pieces.ofMbuf(mbuf), segments, count),
    bus_dmamap_load_mem: (tag: Ptr, map: Ptr, memory: Ptr, callback: Ptr, arg: Ptr) =>
      this.load(tag, map, this.pieces.ofMemdesc(memory), callback, arg),
    bus_dmamap_load_ccb: (tag: Ptr, map: Ptr, ccb: Ptr, callback: Ptr, arg: Ptr) =>
      this.load(tag, map, this.pieces.ofCcb(ccb), callback, arg),
    busdma_lock_mutex: (mutex: Ptr, what: number) => this.lock(mutex, what),
  };

  readonly signatures = {
    bus_dma_tag_create: 'i:pQQQQppQiQippp',
    bus_dmamap_load: 'i:pppQppi',
    bus_dma_iommu_set_buswide: 'b:p',
    bus_dma_tag_destroy: 'i:p',
    bus_dma_tag_set_domain: 'i:pi',
    bus_dmamap_load_mbuf: 'i:pppppi',
    bus_dmamap_load_uio: 'i:pppppi',
    bus_dmamap_load_mbuf_sg: 'i:pppppi',
    bus_dmamap_load_mem: 'i:pppppi',
    bus_dmamap_load_ccb: 'i:pppppi',
    busdma_lock_mutex: 'v:pi',
  };

  readonly data = { [BOUNCE_IMPL]: (at: Ptr) => this.fillImplementation(at) };

  private get pieces(): Memory {
    return new Memory(this.k);
  }

  /** struct bus_dma_impl (x86/busdma_impl.h): what inlined calls go through, in this order. */
  private fillImplementation(at: Ptr): void {
    const { k } = this;
    const table: readonly (readonly [string, string, (...args: never[]) => unknown])[] = [
      ['tag_create', 'i:pQQQQppQiQippp', this.exports.bus_dma_tag_create],
      ['tag_destroy', 'i:p', (tag: Ptr) => this.destroyTag(tag)],
      ['tag_set_domain', 'i:p', () => 0],
      ['id_mapped', 'b:pQQ', () => false],
      ['map_create', 'i:pip', (tag: Ptr, _flags: number, place: Ptr) => this.createMap(tag, place)],
      ['map_destroy', 'i:pp', (tag: Ptr, map: Ptr) => this.destroyMap(tag, map)],
      [
        'mem_alloc',
        'i:ppip',
        (tag: Ptr, place: Ptr, flags: number, map: Ptr) => this.allocate(tag, place, flags, map),
      ],
      ['mem_free', 'v:ppp', (_tag: Ptr, ptr: Ptr, map: Ptr) => this.free(ptr, map)],
      ['load_ma', 'i:pppQiipp', () => this.unsupported('bus_dmamap_load_ma')],
      [
        'load_phys',
        'i:ppQQipp',
        (tag: Ptr, map: Ptr, physical: bigint, bytes: bigint, _flags: number, segments: Ptr, index: Ptr) =>
          this.append(tag, map, { physical, bytes: Number(bytes) }, segments, index),
      ],
      [
        'load_buffer',
        'i:pppQpipp',
        (tag: Ptr, map: Ptr, at: Ptr, bytes: bigint, _pmap: Ptr, _flags: number, segments: Ptr, index: Ptr) =>
          this.append(tag, map, { at, bytes: Number(bytes) }, segments, index),
      ],
      ['map_waitok', 'v:ppppp', () => {}],
      ['map_complete', 'p:pppii', (tag: Ptr, _map: Ptr, segments: Ptr) => this.complete(tag, segments)],
      ['map_unload', 'v:pp', (_tag: Ptr, map: Ptr) => this.unload(map)],
      // Devices see what the processor wrote at once.
      ['map_sync', 'v:ppi', () => {}],
    ];
    for (const [i, [name, signature, fn]] of table.entries())
      k.space.storePtr(at + 8 * i, k.exports.hostFunction(`bounce_bus_dma_${name}`, signature, fn));
  }

  private unsupported(what: string): never {
    throw new Panic(`${what} is not implemented`, 'unimplemented-export');
  }

  private createTag(parent: Ptr, limits: TagLimits, place: Ptr): number {
    const { k } = this;
    if (limits.maxsegsz === 0n) return EINVAL;
    const flags = k.macro('M_NOWAIT') | k.macro('M_ZERO');
    const at = k.get(Malloc).malloc(TAG_BYTES, k.variable('M_DEVBUF'), flags);
    k.space.storePtr(place, at);
    if (at === 0) return ENOMEM;
    new DmaTag(k, at).fill(parent, limits);
    this.tags.set(at, { maps: 0 });
    k.origins.note(at);
    return 0;
  }

  private tag(at: Ptr): DmaTag {
    if (this.tags.has(at)) return new DmaTag(this.k, at);
    this.k.space.load8(at);
    const address = `0x${this.k.space.toAddress(at).toString(16)}`;
    throw new Panic(`there is no DMA tag at ${address}`, 'use-after-free', at);
  }

  /** A tag stays while maps or other tags are made of it. */
  private destroyTag(at: Ptr): number {
    const { k } = this;
    if (at === 0) return 0;
    this.tag(at);
    if ((this.tags.get(at)?.maps ?? 0) > 0) return EBUSY;
    for (let one = at; one !== 0; ) {
      const tag = new DmaTag(k, one);
      const { parent } = tag;
      if (tag.release() > 0) break;
      this.tags.delete(one);
      k.origins.forget(one);
      k.get(Malloc).free(one, k.variable('M_DEVBUF'));
      one = parent;
    }
    return 0;
  }

  private createMap(tag: Ptr, place: Ptr): number {
    const { k } = this;
    this.tag(tag);
    const flags = k.macro('M_NOWAIT') | k.macro('M_ZERO');
    const at = k.get(Malloc).malloc(MAP_BYTES, k.variable('M_DEVBUF'), flags);
    k.space.storePtr(place, at);
    if (at === 0) return ENOMEM;
    this.maps.set(at, { tag, loaded: false });
    this.count(tag, 1);
    k.origins.note(at);
    return 0;
  }

  private count(tag: Ptr, by: number): void {
    const own = this.tags.get(tag);
    if (own) own.maps += by;
  }

  private destroyMap(tag: Ptr, map: Ptr): number {
    const { k } = this;
    if (map === 0) return 0;
    this.demandMap(map);
    this.maps.delete(map);
    this.count(tag, -1);
    k.origins.forget(map);
    k.get(Malloc).free(map, k.variable('M_DEVBUF'));
    return 0;
  }

  private demandMap(map: Ptr): void {
    if (map === 0 || this.maps.has(map)) return;
    const address = `0x${this.k.space.toAddress(map).toString(16)}`;
    throw new Panic(`there is no DMA map at ${address}`, 'use-after-free', map);
  }

  /** Memory that the device can reach, of the tag's size and alignment. */
  private allocate(tag: Ptr, place: Ptr, flags: number, mapPlace: Ptr): number {
    const { k } = this;
    const { maxsize, alignment, lowaddr } = this.tag(tag);
    const wait = (flags & BUS_DMA_NOWAIT) === 0 ? k.macro('M_WAITOK') : k.macro('M_NOWAIT');
    const zero = flags & BUS_DMA_ZERO ? k.macro('M_ZERO') : 0;
    const bytes = Math.max(Number(maxsize), Number(alignment));
    const type = k.variable('M_DEVBUF');
    const at = k.get(Malloc).malloc(bytes, type, wait | zero);
    if (at === 0) return ENOMEM;
    if (this.pieces.physicalOf(at) + BigInt(bytes) - 1n > lowaddr) {
      k.get(Malloc).free(at, type);
      return ENOMEM;
    }
    const error = this.createMap(tag, mapPlace);
    if (error !== 0) return error;
    // The memory's map is no map that keeps the tag.
    this.count(tag, -1);
    k.space.storePtr(place, at);
    this.memory.add(at);
    k.origins.note(at);
    return 0;
  }

  private free(at: Ptr, map: Ptr): void {
    const { k } = this;
    this.memory.delete(at);
    k.origins.forget(at);
    k.get(Malloc).free(at, k.variable('M_DEVBUF'));
    if (this.maps.delete(map)) {
      k.origins.forget(map);
      k.get(Malloc).free(map, k.variable('M_DEVBUF'));
    }
  }

  /** Adds the segments of a piece of memory behind the last one, whose number `index` points to: -1 for none yet. */
  private append(tag: Ptr, map: Ptr, piece: Piece, place: Ptr, index: Ptr): number {
    const { space } = this.k;
    const segments = place === 0 ? this.ownSegments(tag) : place;
    const own = this.tag(tag);
    const first = space.loadInt32(index) + 1;
    const made = segmentsOf(this.pieces, own, [piece]);
    if (first + made.length > own.nsegments) return EFBIG;
    for (const [i, { address, length }] of made.entries()) {
      space.store64(segments + (first + i) * SEGMENT_BYTES, address);
      space.store64(segments + (first + i) * SEGMENT_BYTES + 8, length);
    }
    space.store32(index, first + made.length - 1);
    this.mark(map, true);
    return 0;
  }

  private complete(tag: Ptr, segments: Ptr): Ptr {
    return segments === 0 ? this.ownSegments(tag) : segments;
  }

  /** Room for a tag's segments, of those who bring none. */
  private ownSegments(tag: Ptr): Ptr {
    let at = this.segments.get(tag);
    if (at === undefined) {
      at = this.k.permanent(SEGMENT_BYTES * Math.max(1, this.tag(tag).nsegments));
      this.segments.set(tag, at);
    }
    return at;
  }

  private readonly segments = new Map<Ptr, Ptr>();

  private mark(map: Ptr, loaded: boolean): void {
    this.demandMap(map);
    const own = this.maps.get(map);
    if (own) own.loaded = loaded;
  }

  private unload(map: Ptr): void {
    this.mark(map, false);
  }

  /** Loads memory and calls back with its segments; too many of them, or too much, is told there. */
  private *load(tag: Ptr, map: Ptr, pieces: readonly Piece[], callback: Ptr, arg: Ptr): Sleepable<number> {
    const { list, count, error } = this.prepare(tag, map, pieces);
    yield* this.k.callAs('v:ppii', callback, arg, list, error === 0 ? count : 0, error);
    this.k.slab.free(list);
    return 0;
  }

  private *loadSized(
    tag: Ptr,
    map: Ptr,
    pieces: readonly Piece[],
    callback: Ptr,
    arg: Ptr,
  ): Sleepable<number> {
    const { list, count, error } = this.prepare(tag, map, pieces);
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    yield* this.k.callAs('v:ppiLi', callback, arg, list, error === 0 ? count : 0, bytes, error);
    this.k.slab.free(list);
    return 0;
  }

  private prepare(tag: Ptr, map: Ptr, pieces: readonly Piece[]) {
    const { k } = this;
    const own = this.tag(tag);
    const made = segmentsOf(this.pieces, own, pieces);
    const total = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
    const error = BigInt(total) > own.maxsize ? EINVAL : made.length > own.nsegments ? EFBIG : 0;
    const list = k.slab.allocateBytes(SEGMENT_BYTES * Math.max(1, made.length), true);
    for (const [i, { address, length }] of made.entries()) {
      k.space.store64(list + i * SEGMENT_BYTES, address);
      k.space.store64(list + i * SEGMENT_BYTES + 8, length);
    }
    this.mark(map, error === 0);
    return { list, count: made.length, error };
  }

  private loadInto(tag: Ptr, map: Ptr, pieces: readonly Piece[], segments: Ptr, countPlace: Ptr): number {
    const { k } = this;
    const { list, count, error } = this.prepare(tag, map, pieces);
    if (error === 0) {
      k.space.bytes.copyWithin(segments, list, list + count * SEGMENT_BYTES);
      k.space.store32(countPlace, count);
    }
    k.slab.free(list);
    return error;
  }

  private *lock(mutex: Ptr, what: number): Sleepable<void> {
    const mutexes = this.k.get(Mutexes);
    if (what === BUS_DMA_LOCK) yield* mutexes.lock(mutex);
    else if (what === BUS_DMA_UNLOCK) mutexes.unlock(mutex);
    else this.k.panic(`Unknown operation 0x${what.toString(16)} for busdma_lock_mutex!`);
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    const address = (at: Ptr): string => `at 0x${k.space.toAddress(at).toString(16)}`;
    for (const at of this.tags.keys())
      yield { kind: 'DMA tag', at, by: k.origins.of(at), name: () => address(at) };
    for (const at of this.maps.keys())
      yield { kind: 'DMA map', at, by: k.origins.of(at), name: () => address(at) };
    for (const at of this.memory)
      yield { kind: 'DMA memory', at, by: k.origins.of(at), name: () => address(at) };
  }
}

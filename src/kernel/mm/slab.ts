import type { AddressSpace } from '../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { type Allocation, type Ledger, RECORD_BYTES } from './ledger.js';
import type { PageAllocator } from './page-allocator.js';

/** What is a system's own of its allocator: sizes, names, and what its debugging writes into objects. */
export interface SlabPolicy {
  /** Object sizes of the general caches, ascending; what is larger than all of them gets pages. */
  readonly sizes: readonly number[];
  /** Name of the general cache for a size. */
  nameOf(size: number): string;
  /** Alignment of objects of a size, a power of two of at least 8. */
  alignOf(size: number): number;
  /** Bytes that new objects, freed ones and the zones round live ones are filled with. */
  readonly fresh: number;
  readonly freed: number;
  readonly zone: number;
}

const REDZONE = 16;
/** Bytes before an object that are checked too. */
const LEFT_REDZONE = 8;
/** Caches aligned to more than this have no zone before the first object of a slab. */
const LEFT_ALIGN_MAX = 512;

export interface CacheOptions {
  readonly name: string;
  readonly objectSize: number;
  readonly align: number;
  /** No poison on free: a constructor's work, or readers under RCU, must survive in free objects. */
  readonly keepContent: boolean;
  /** Bytes of an object that may be copied from and to user memory; all of it if nothing is said. */
  readonly userCopy?: { readonly offset: number; readonly size: number };
}

/** A cache: equal-sized objects carved from slabs, each followed by a red zone that is checked. */
export class SlabCache {
  /** Distance between objects. */
  readonly stride: number;
  readonly freeObjects: Ptr[] = [];
  readonly slabs: Ptr[] = [];
  readonly slabBytes: number;
  /** Offset of the first object in a slab. */
  readonly first: number;
  readonly objectsPerSlab: number;
  /** What the host's memory holds of a slab's objects, in bytes. */
  readonly recordBytes: number;
  inUse = 0;

  constructor(readonly options: CacheOptions) {
    const { objectSize, align } = options;
    this.stride = Math.ceil((objectSize + REDZONE) / align) * align;
    const fit = Math.ceil((this.stride * 8) / PAGE_SIZE) * PAGE_SIZE;
    this.slabBytes = Math.min(fit, Math.max(PAGE_SIZE * 8, Math.ceil(this.stride / PAGE_SIZE) * PAGE_SIZE));
    this.first = align <= LEFT_ALIGN_MAX && this.slabBytes >= 2 * this.stride ? Math.max(align, 8) : 0;
    this.objectsPerSlab = Math.floor((this.slabBytes - this.first) / this.stride);
    this.recordBytes = this.objectsPerSlab * RECORD_BYTES;
  }
}

/** What is wrong with an object: found when it is freed, reused or checked. */
export type SlabDefect =
  | {
      /** The zone behind the object, or the one before it. */
      readonly kind: 'redzone' | 'left-redzone';
      readonly ptr: Ptr;
      readonly size: number;
      readonly at: Ptr;
      readonly caller: Ptr;
      /** Order of the allocation or release. */
      readonly serial: number;
      readonly cache: string;
    }
  | {
      readonly kind: 'use-after-free';
      readonly ptr: Ptr;
      readonly size: number;
      readonly at: Ptr;
      readonly caller: Ptr;
      /** Order of the allocation or release. */
      readonly serial: number;
      readonly cache: string;
    };

/** An object and what became of it. */
export interface SlabPlace {
  readonly ptr: Ptr;
  /** Bytes to the next object. */
  readonly stride: number;
  readonly cache: string;
  readonly allocation?: Allocation;
  readonly freed?: FreedBy;
}

export type FreeResult =
  | { readonly kind: 'freed'; readonly defect?: SlabDefect }
  | {
      readonly kind: 'double-free';
      readonly cache: SlabCache;
      readonly freedBy: Ptr;
      /** No other object of the cache was freed in between. */
      readonly latest: boolean;
    }
  | { readonly kind: 'not-an-object' };

export interface FreedBy {
  readonly caller: Ptr;
  /** Order among allocations. */
  readonly serial: number;
  readonly size: number;
}

/**
 * The slab allocator: caches, general ones for memory of any size, red zones behind every object and poison in free ones, so that writes
 * out of bounds or after free are found (at the latest when the object is freed, reused, or at `check`).
 */
export class Slab {
  private readonly general: SlabCache[];
  private readonly cacheOfObject = new Map<Ptr, SlabCache>();
  private readonly freed = new Map<Ptr, FreedBy>();
  /** Live objects that guest code may only use as it asked. */
  private readonly checked = new Set<Ptr>();
  private readonly slabOfPage = new Map<number, { readonly start: Ptr; readonly cache: SlabCache }>();
  /** Told of every defect found while allocating. */
  onDefect: (defect: SlabDefect) => void = () => {};

  constructor(
    private readonly space: AddressSpace,
    private readonly pages: PageAllocator,
    private readonly ledger: Ledger,
    private readonly policy: SlabPolicy,
  ) {
    this.general = policy.sizes.map((size) =>
      this.createCache({
        name: policy.nameOf(size),
        objectSize: size,
        align: Math.min(policy.alignOf(size), PAGE_SIZE),
        keepContent: false,
      }),
    );
  }

  createCache(options: CacheOptions): SlabCache {
    return new SlabCache(options);
  }

  /** Gives the cache's slabs back. Objects still in use are returned and stay allocated. */
  destroyCache(cache: SlabCache): number {
    if (cache.inUse > 0) return cache.inUse;
    for (const object of cache.freeObjects) {
      this.cacheOfObject.delete(object);
      this.freed.delete(object);
    }
    for (const slab of cache.slabs) {
      for (let at = slab; at < slab + cache.slabBytes; at += PAGE_SIZE) this.slabOfPage.delete(at >>> 12);
      this.space.shadow.allow(slab, cache.slabBytes);
      this.pages.givePages(slab, cache.slabBytes);
      this.pages.budget.give(cache.recordBytes);
    }
    cache.slabs.length = 0;
    cache.freeObjects.length = 0;
    return 0;
  }

  /** The objects of a cache that are in use. */
  objectsOf({ slabs, slabBytes, stride, first }: SlabCache): Ptr[] {
    const found: Ptr[] = [];
    for (const slab of slabs)
      for (let at = slab + first; at + stride <= slab + slabBytes; at += stride)
        if (this.cacheOfObject.has(at) && this.ledger.get(at)) found.push(at);
    return found;
  }

  /** The general cache that serves `size` bytes; undefined where none is large enough. */
  generalCache(size: number): SlabCache | undefined {
    return this.general.find((cache) => cache.options.objectSize >= size);
  }

  /**
   * `size` bytes of a general cache, or whole pages where none is large enough; 0 where there is no memory. Content is poison unless
   * `zero`. `checked`: see allocate.
   */
  allocateBytes(size: number, zero: boolean, checked = false): Ptr {
    const cache = this.generalCache(size);
    if (cache) return this.allocate(cache, zero, size, checked);
    const bytes = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
    let align = PAGE_SIZE;
    while (align < bytes) align *= 2;
    const ptr = this.pages.takePages(bytes, align);
    if (ptr !== 0) this.ledger.add('pages', ptr, bytes);
    return ptr;
  }

  /**
   * One object of a cache; `size` is what was asked for, where the red zone starts. Of a `checked` one guest code may access only
   * what it asked for, while it has it; those that the base kernel makes for itself are not.
   */
  allocate(cache: SlabCache, zero: boolean, size = cache.options.objectSize, checked = false): Ptr {
    if (cache.freeObjects.length === 0 && !this.grow(cache)) return 0;
    const ptr = cache.freeObjects.pop()!;
    const before = this.freed.get(ptr);
    if (before) {
      this.freed.delete(ptr);
      const defect = this.checkFreed(cache, ptr, before);
      if (defect) this.onDefect(defect);
    }
    const { bytes } = this.space;
    const { objectSize, keepContent } = cache.options;
    if (zero) bytes.fill(0, ptr, ptr + size);
    else if (!keepContent) bytes.fill(this.policy.fresh, ptr, ptr + size);
    bytes.fill(this.policy.zone, ptr + size, ptr + objectSize + REDZONE);
    this.guard(cache, ptr, size, checked);
    cache.inUse++;
    this.ledger.add('slab', ptr, size);
    return ptr;
  }

  /** Frees an object of any cache, or pages that stand for a large one. */
  free(ptr: Ptr): FreeResult {
    const cache = this.cacheOfObject.get(ptr);
    if (!cache) return this.pages.free(ptr) ? { kind: 'freed' } : { kind: 'not-an-object' };
    const allocation = this.ledger.get(ptr);
    if (!allocation) {
      const freedBy = this.freed.get(ptr)?.caller ?? 0;
      return { kind: 'double-free', cache, freedBy, latest: cache.freeObjects[0] === ptr };
    }
    const { objectSize, keepContent } = cache.options;
    const defect = this.checkLive(cache, ptr, allocation);
    this.ledger.remove(ptr);
    if (!keepContent) {
      this.space.bytes.fill(this.policy.freed, ptr, ptr + objectSize);
      this.freed.set(ptr, { caller: this.ledger.caller(), serial: this.ledger.mark, size: objectSize });
      if (this.checked.delete(ptr)) this.space.shadow.poison(ptr, Math.ceil(objectSize / 8) * 8);
    }
    cache.inUse--;
    cache.freeObjects.unshift(ptr);
    return defect ? { kind: 'freed', defect } : { kind: 'freed' };
  }

  /** Usable size of an object: from now on the whole of it may be used. 0 if it is none. */
  usableSize(ptr: Ptr): number {
    const allocation = this.ledger.get(ptr);
    if (!allocation) return 0;
    const cache = this.cacheOfObject.get(ptr);
    return cache ? cache.options.objectSize : allocation.size;
  }

  /** Makes all of the object usable, as growing in place does. */
  resize(ptr: Ptr, size: number): void {
    const allocation = this.ledger.get(ptr);
    const cache = this.cacheOfObject.get(ptr);
    if (!allocation || !cache) return;
    this.ledger.resize(allocation, size);
    this.guard(cache, ptr, size, this.checked.has(ptr));
    this.space.bytes.fill(this.policy.zone, ptr + size, ptr + cache.options.objectSize + REDZONE);
  }

  cacheOf(ptr: Ptr): SlabCache | undefined {
    return this.cacheOfObject.get(ptr);
  }

  /** The live object that contains an address. Undefined for memory that is not the slab's. */
  objectFor(address: Ptr): { readonly ptr: Ptr; readonly cache: SlabCache } | undefined {
    const slab = this.slabOfPage.get(address >>> 12);
    if (!slab) return undefined;
    const { stride, first } = slab.cache;
    const index = Math.floor((address - slab.start - first) / stride);
    const ptr = slab.start + first + index * stride;
    return index >= 0 && this.cacheOfObject.has(ptr) && this.ledger.get(ptr)
      ? { ptr, cache: slab.cache }
      : undefined;
  }

  /** Looks at every object, live and free, for writes out of bounds or after free. */
  check(): SlabDefect[] {
    const defects: SlabDefect[] = [];
    for (const [ptr, cache] of this.cacheOfObject) {
      const allocation = this.ledger.get(ptr);
      const before = this.freed.get(ptr);
      const defect = allocation
        ? this.checkLive(cache, ptr, allocation)
        : before && this.checkFreed(cache, ptr, before);
      if (defect) defects.push(defect);
    }
    return defects;
  }

  private grow(cache: SlabCache): boolean {
    if (!this.pages.budget.take(cache.recordBytes)) return false;
    const slab = this.pages.takePages(cache.slabBytes, PAGE_SIZE);
    if (slab === 0) {
      this.pages.budget.give(cache.recordBytes);
      return false;
    }
    cache.slabs.push(slab);
    this.space.watch(slab, cache.slabBytes);
    this.space.shadow.poison(slab, cache.slabBytes);
    for (let at = slab; at < slab + cache.slabBytes; at += PAGE_SIZE)
      this.slabOfPage.set(at >>> 12, { start: slab, cache });
    for (let i = cache.objectsPerSlab - 1; i >= 0; i--) {
      const ptr = slab + cache.first + i * cache.stride;
      if (cache.first > 0) this.space.bytes.fill(this.policy.zone, ptr - LEFT_REDZONE, ptr);
      this.cacheOfObject.set(ptr, cache);
      cache.freeObjects.push(ptr);
    }
    return true;
  }

  /** Which of an object's bytes guest code may access: those asked for, or with its red zone all. */
  private guard(cache: SlabCache, ptr: Ptr, size: number, checked: boolean): void {
    if (!checked) {
      this.space.shadow.allow(ptr, cache.stride);
      this.checked.delete(ptr);
      return;
    }
    this.space.shadow.poison(ptr, cache.stride);
    this.space.shadow.allow(ptr, size);
    this.checked.add(ptr);
  }

  /** What is at an address in a slab: the object that it is in, before or behind; undefined for other memory. */
  around(address: Ptr): SlabPlace | undefined {
    const slab = this.slabOfPage.get(address >>> 12);
    if (!slab) return undefined;
    const { cache, start } = slab;
    const index = Math.max(0, Math.floor((address - start - cache.first) / cache.stride));
    const ptr = start + cache.first + index * cache.stride;
    const allocation = this.ledger.get(ptr);
    const freed = this.freed.get(ptr);
    const { stride, options } = cache;
    return { ptr, stride, cache: options.name, ...(allocation && { allocation }), ...(freed && { freed }) };
  }

  private checkLive(
    cache: SlabCache,
    ptr: Ptr,
    { size, caller, serial }: Allocation,
  ): SlabDefect | undefined {
    const end = ptr + cache.options.objectSize + REDZONE;
    const at = firstOther(this.space.bytes, ptr + size, end, this.policy.zone);
    if (at < 0) return this.checkBefore(cache, ptr, size, { caller, serial });
    this.space.bytes.fill(this.policy.zone, ptr + size, end);
    return { kind: 'redzone', ptr, size, at, caller, serial, cache: cache.options.name };
  }

  private checkBefore(
    cache: SlabCache,
    ptr: Ptr,
    size: number,
    { caller, serial }: Pick<Allocation, 'caller' | 'serial'>,
  ): SlabDefect | undefined {
    if (cache.first === 0) return undefined;
    const at = firstOther(this.space.bytes, ptr - LEFT_REDZONE, ptr, this.policy.zone);
    if (at < 0) return undefined;
    this.space.bytes.fill(this.policy.zone, ptr - LEFT_REDZONE, ptr);
    return { kind: 'left-redzone', ptr, size, at, caller, serial, cache: cache.options.name };
  }

  private checkFreed(cache: SlabCache, ptr: Ptr, before: FreedBy): SlabDefect | undefined {
    const at = firstOther(this.space.bytes, ptr, ptr + before.size, this.policy.freed);
    if (at < 0) return undefined;
    this.space.bytes.fill(this.policy.freed, ptr, ptr + before.size);
    return {
      kind: 'use-after-free',
      ptr,
      size: before.size,
      at,
      caller: before.caller,
      serial: before.serial,
      cache: cache.options.name,
    };
  }
}

function firstOther(bytes: Uint8Array, from: number, to: number, value: number): number {
  for (let at = from; at < to; at++) if (bytes[at] !== value) return at;
  return -1;
}

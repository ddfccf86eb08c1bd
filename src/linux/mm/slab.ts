import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { CacheOptions, SlabCache, SlabDefect } from '../../kernel/mm/slab.js';
import { SMP_CACHE_BYTES } from '../abi/cache.js';
import { GFP_DIRECT_RECLAIM, GFP_ZERO } from '../abi/gfp.js';
import { ZERO_SIZE_PTR } from '../abi/limits.js';
import { slabFlag } from '../abi/slab-flags.js';
import { EINVAL } from '../errno.js';
import { Oops } from '../errors.js';
import type { Holding } from '../holding.js';
import { ModuleHistory } from '../kallsyms/module-history.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { DebugObjects } from '../lib/misc/debug-objects.js';
import type { Subsystem } from '../subsystem.js';
import { AllocatorWords } from './allocator-words.js';

/** SLAB_TYPESAFE_BY_RCU: freed objects keep their type for readers. */
const KMALLOC_MAX = 4 * 1024 * 1024;

interface GuestCache {
  readonly cache: SlabCache;
  readonly ctor: Ptr;
  readonly name: string;
}

/** kmalloc and kmem_cache: the exported face of the slab allocator (mm/slab_common.c, mm/slub.c). */
export class SlabExports implements Subsystem {
  private readonly caches = new Map<Ptr, GuestCache>();

  constructor(private readonly k: LinuxKernel) {
    k.slab.onDefect = (defect) => this.report(defect);
  }

  readonly exports = {
    __kmalloc: (size: number, flags: number) => this.kmalloc(size, flags),
    __kmalloc_node: (size: number, flags: number) => this.kmalloc(size, flags),
    __kmalloc_node_track_caller: (size: number, flags: number) => this.kmalloc(size, flags),
    __kmalloc_noprof: (size: number, flags: number) => this.kmalloc(size, flags),
    __kmalloc_node_noprof: (size: number, ...rest: number[]) =>
      this.kmalloc(size, this.gfpBehindBuckets(rest)),
    __kmalloc_cache_noprof: (_cache: Ptr, flags: number, size: number) => this.kmalloc(size, flags),
    __kmalloc_cache_node_noprof: (_cache: Ptr, flags: number, _node: number, size: number) =>
      this.kmalloc(size, flags),
    __kmalloc_node_track_caller_noprof: (size: number, ...rest: number[]) =>
      this.kmalloc(size, this.gfpBehindBuckets(rest)),
    kmalloc_trace: (_cache: Ptr, flags: number, size: number) => this.kmalloc(size, flags),
    kmalloc_node_trace: (_cache: Ptr, flags: number, _node: number, size: number) =>
      this.kmalloc(size, flags),
    kmalloc_large: (size: number, flags: number) => this.kmalloc(size, flags),
    kmalloc_large_node: (size: number, flags: number) => this.kmalloc(size, flags),
    __kmalloc_large_noprof: (size: number, flags: number) => this.kmalloc(size, flags),
    kfree: (ptr: Ptr) => this.kfree(ptr),
    kfree_sensitive: (ptr: Ptr) => this.kfreeSensitive(ptr),
    krealloc: (ptr: Ptr, size: number, flags: number) => this.krealloc(ptr, size, flags),
    ksize: (ptr: Ptr) => this.ksize(ptr),
    __ksize: (ptr: Ptr) => this.ksize(ptr),
    kmalloc_size_roundup: (size: number) =>
      this.k.slab.generalCache(size)?.options.objectSize ?? pageAlign(size),
    kmem_cache_create: (name: Ptr, size: number, align: number, flags: number, ctor: Ptr) =>
      this.createCache(name, size, align, flags, ctor),
    kmem_cache_create_usercopy: (
      name: Ptr,
      size: number,
      align: number,
      flags: number,
      offset: number,
      bytes: number,
      ctor: Ptr,
    ) => this.createCache(name, size, align, flags, ctor, { offset, size: bytes }),
    __kmem_cache_create_args: (name: Ptr, size: number, args: Ptr, flags: number) => {
      const type = this.k.struct('kmem_cache_args');
      const userCopy = { offset: type.get(args, 'useroffset'), size: type.get(args, 'usersize') };
      return this.createCache(name, size, type.get(args, 'align'), flags, type.get(args, 'ctor'), userCopy);
    },
    kmem_cache_destroy: (cache: Ptr) => this.destroyCache(cache),
    kmem_cache_shrink: nothing('empty slabs are given back at once', 0),
    kmem_cache_size: (cache: Ptr) => this.cacheAt(cache).cache.options.objectSize,
    kmem_cache_alloc: (cache: Ptr, flags: number) => this.cacheAlloc(cache, flags),
    kmem_cache_alloc_node: (cache: Ptr, flags: number) => this.cacheAlloc(cache, flags),
    kmem_cache_alloc_lru: (cache: Ptr, _lru: Ptr, flags: number) => this.cacheAlloc(cache, flags),
    kmem_cache_free: (cache: Ptr, object: Ptr) => this.cacheFree(cache, object),
    kmem_cache_alloc_bulk: (cache: Ptr, flags: number, count: number, array: Ptr) =>
      this.bulk(cache, flags, count, array),
    kmem_cache_free_bulk: (cache: Ptr, count: number, array: Ptr) => {
      for (let i = 0; i < count; i++) this.cacheFree(cache, this.k.space.loadPtr(array + i * 8));
    },
  };

  *holds(): Generator<Holding> {
    for (const [at, { ctor, name }] of this.caches)
      yield { kind: 'slab cache', at, uses: [ctor], name: () => name };
  }

  readonly data = {
    kmalloc_caches: (at: Ptr) => this.fillGeneralCaches(at),
  };

  /** kmalloc on behalf of the base kernel or a module. 0 if there is no memory. */
  kmalloc(size: number, flags: number): Ptr {
    this.mightSleep(flags);
    if (size === 0) return ZERO_SIZE_PTR;
    if (size > KMALLOC_MAX) {
      this.k.get(AllocatorWords).tooLarge(flags);
      return 0;
    }
    return this.k.slab.allocateBytes(size, (flags & GFP_ZERO) !== 0, true);
  }

  /** The allocation flags among arguments that begin with the buckets to allocate from, if the kernel has these. */
  gfpBehindBuckets(rest: readonly number[]): number {
    return this.k.configured('CONFIG_SLAB_BUCKETS') ? rest[1] : rest[0];
  }

  /** kfree: NULL and ZERO_SIZE_PTR are fine; anything that is not a live object is reported. */
  kfree(ptr: Ptr): void {
    if (ptr <= ZERO_SIZE_PTR) return;
    const size = this.k.ledger.get(ptr)?.size;
    if (size !== undefined) this.k.get(DebugObjects).checkFreed(ptr, size);
    const result = this.k.slab.free(ptr);
    switch (result.kind) {
      case 'freed':
        if (result.defect) this.report(result.defect);
        return;
      case 'double-free':
        if (result.latest && this.k.configured('CONFIG_SLAB_FREELIST_HARDENED'))
          throw new Oops('double-free', 'kernel BUG at mm/slub.c:419!', ptr);
        this.k.traps.complain('double-free', `BUG ${result.cache.options.name}: Object already free`, ptr, [
          `Freed before in ${symbolize(this.k, result.freedBy)}`,
        ]);
        return;
      case 'not-an-object': {
        const object = this.k.slab.objectFor(ptr);
        if (object) {
          this.freeMiddle(ptr, object.ptr, object.cache.options.name);
          return;
        }
        throw new Oops(
          'bad-free',
          `kernel BUG: kfree of 0x${this.k.space.toAddress(ptr).toString(16)}, which is no object`,
          ptr,
        );
      }
    }
  }

  /** The real kernel takes what it is given for a free object; here the object stays allocated. */
  private freeMiddle(ptr: Ptr, object: Ptr, cache: string): void {
    const { k } = this;
    k.traps.complain('bad-free', `BUG ${cache}: kfree of a pointer into an object`, ptr, [
      `0x${k.space.toAddress(ptr).toString(16)}: offset ${ptr - object}`,
      `Allocated in ${symbolize(k, k.ledger.get(object)?.caller ?? 0)}`,
    ]);
  }

  /** Reports a write out of bounds or after free, as SLUB's debugging words it; once, where it was seen being made. */
  report(defect: SlabDefect): void {
    const { k } = this;
    if (k.traps.slabAccesses.takeWritten(defect.ptr) && !k.traps.debugsSlabs) return;
    const by = k.get(ModuleHistory).symbolize(defect.caller, defect.serial);
    const at = k.space.toAddress(defect.at).toString(16).padStart(16, '0');
    const byte = k.space.bytes[defect.at].toString(16);
    const after = defect.kind === 'use-after-free';
    const zone = defect.kind === 'redzone' ? 'Right' : 'Left';
    const what = after ? 'Poison overwritten' : `${zone} Redzone overwritten`;
    const verb = after ? 'Freed' : 'Allocated';
    k.traps.complain(
      after ? 'use-after-free' : 'out-of-bounds',
      `BUG ${defect.cache}: ${what}`,
      defect.at,
      [
        `0x${at}: offset ${defect.at - defect.ptr} of an object of ${defect.size} bytes, first byte 0x${byte}`,
        `${verb} in ${by}`,
      ],
      { place: by, module: k.get(ModuleHistory).moduleName(defect.caller, defect.serial) },
    );
  }

  /** GFP flags that may sleep are an error in atomic context. */
  private mightSleep(flags: number): void {
    if (flags & GFP_DIRECT_RECLAIM) this.k.traps.mightSleep('include/linux/sched/mm.h', 274);
  }

  kfreeSensitive(ptr: Ptr): void {
    if (ptr > ZERO_SIZE_PTR) {
      const size = this.k.ledger.get(ptr)?.size ?? 0;
      this.k.space.bytes.fill(0, ptr, ptr + size);
    }
    this.kfree(ptr);
  }

  private krealloc(ptr: Ptr, size: number, flags: number): Ptr {
    if (size === 0) {
      this.kfree(ptr);
      return ZERO_SIZE_PTR;
    }
    if (ptr <= ZERO_SIZE_PTR) return this.kmalloc(size, flags);
    const old = this.k.ledger.get(ptr)?.size ?? 0;
    if (size <= this.k.slab.usableSize(ptr)) {
      if (flags & GFP_ZERO && size > old) this.k.space.bytes.fill(0, ptr + old, ptr + size);
      this.k.slab.resize(ptr, size);
      return ptr;
    }
    const fresh = this.kmalloc(size, flags);
    if (fresh === 0) return 0;
    this.k.space.bytes.copyWithin(fresh, ptr, ptr + old);
    this.kfree(ptr);
    return fresh;
  }

  private ksize(ptr: Ptr): number {
    if (ptr <= ZERO_SIZE_PTR) return 0;
    const size = this.k.slab.usableSize(ptr);
    this.k.slab.resize(ptr, size);
    return size;
  }

  /** kmem_cache_create(), 0 where that fails. `userCopy`: what of an object may be copied from and to user memory, nothing where nobody asks for it. */
  createCache(
    name: Ptr,
    size: number,
    align: number,
    flags: number,
    ctor: Ptr,
    userCopy = { offset: 0, size: 0 },
  ): Ptr {
    const { k } = this;
    const text = k.space.cstring(name);
    if (size > KMALLOC_MAX || align > KMALLOC_MAX) {
      k.get(AllocatorWords).noCache(text, -EINVAL);
      return 0;
    }
    const wanted = Math.max(align, 8, flags & slabFlag(this.k, 'HWCACHE_ALIGN') ? SMP_CACHE_BYTES : 8);
    const options: CacheOptions = {
      name: text,
      objectSize: Math.ceil(size / 8) * 8,
      align: wanted,
      keepContent: ctor !== 0 || (flags & slabFlag(this.k, 'TYPESAFE_BY_RCU')) !== 0,
      userCopy,
    };
    const type = k.struct('kmem_cache');
    const object = k.slab.allocateBytes(type.size, true);
    type.set(object, 'object_size', size);
    type.set(object, 'name', k.constantString(text));
    type.set(object, 'refcount', 1);
    const cache = k.slab.createCache(options);
    type.set(object, 'size', cache.stride);
    this.caches.set(object, { cache, ctor, name: text });
    return object;
  }

  /** The struct kmem_cache of a cache that the base kernel has for itself, for code of the kernel's own. */
  publish(cache: SlabCache, ctor: Ptr = 0): Ptr {
    const type = this.k.struct('kmem_cache');
    const { name, objectSize } = cache.options;
    const object = this.k.permanent(type.size);
    type.set(object, 'object_size', objectSize);
    type.set(object, 'name', this.k.constantString(name));
    type.set(object, 'refcount', 1);
    type.set(object, 'size', cache.stride);
    this.caches.set(object, { cache, ctor, name });
    return object;
  }

  /** kmem_cache_destroy(): a cache that still has objects stays, with a warning. */
  destroyCache(cache: Ptr): void {
    if (cache === 0) return;
    const { k } = this;
    const found = this.cacheAt(cache);
    const left = k.slab.destroyCache(found.cache);
    if (left > 0) {
      const size = k.struct('kmem_cache').get(cache, 'object_size');
      k.get(AllocatorWords).busyCache(found.cache, size, k.slab.objectsOf(found.cache));
      k.traps.warnWith(
        k.executor.current!,
        'warning',
        `kmem_cache_destroy ${found.name}: Slab cache still has objects when called from ${symbolize(k, k.caller)}`,
        'mm/slab_common.c:493',
        k.fn('kmem_cache_destroy'),
      );
      return;
    }
    this.caches.delete(cache);
    k.slab.free(cache);
  }

  /** kmem_cache_free(): to the object's own cache, whichever is given. */
  private cacheFree(cache: Ptr, object: Ptr): void {
    const given = this.caches.get(cache);
    const own = this.k.slab.cacheOf(object);
    if (given && own && own !== given.cache)
      this.k.get(AllocatorWords).wrongCache(given.name, own.options.name);
    this.kfree(object);
  }

  cacheAlloc(cache: Ptr, flags: number): Ptr | Sleepable<Ptr> {
    this.mightSleep(flags);
    const { cache: slab, ctor } = this.cacheAt(cache);
    const { objectSize } = slab.options;
    const object = this.k.slab.allocate(slab, (flags & GFP_ZERO) !== 0, objectSize, true);
    return ctor !== 0 && object !== 0 ? this.construct(ctor, object) : object;
  }

  private *construct(ctor: Ptr, object: Ptr): Sleepable<Ptr> {
    yield* this.k.callAs('v:p', ctor, object);
    return object;
  }

  private *bulk(cache: Ptr, flags: number, count: number, array: Ptr): Sleepable<number> {
    for (let i = 0; i < count; i++) {
      const object = yield* this.k.wait(this.cacheAlloc(cache, flags));
      this.k.space.storePtr(array + i * 8, object);
    }
    return count;
  }

  private cacheAt(cache: Ptr): GuestCache {
    const found = this.caches.get(cache);
    if (!found)
      throw new Oops(
        'bad-free',
        `kernel BUG: 0x${this.k.space.toAddress(cache).toString(16)} is no kmem_cache`,
        cache,
      );
    return found;
  }

  /**
   * kmalloc_caches[type][index]: inlined kmalloc of a constant size passes an entry of it to kmalloc_trace,
   * which goes by the size; the entries only have to be there.
   */
  private fillGeneralCaches(at: Ptr): void {
    const size = this.k.target.exports.get('kmalloc_caches')?.size ?? 0;
    const object = this.k.permanent(this.k.sizeOf('kmem_cache'));
    for (let offset = 0; offset + 8 <= Math.min(size, PAGE_SIZE); offset += 8)
      this.k.space.storePtr(at + offset, object);
  }
}

function pageAlign(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}

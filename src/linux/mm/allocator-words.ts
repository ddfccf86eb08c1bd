import type { Ptr } from '../../cpu/layout.js';
import { PAGE_SIZE } from '../../cpu/layout.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { SlabCache } from '../../kernel/mm/slab.js';
import { GFP_NOWARN } from '../abi/gfp.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { Once, warn } from '../warn.js';

/** slub_max_order, PAGE_ALLOC_COSTLY_ORDER. */
const MAX_ORDER = 3;
/** Objects that a slab should have room for on one CPU (calculate_order()). */
const MIN_OBJECTS = 8;

/** What the allocators say of requests that are wrong, as the plain kernel words it; much of it once a boot. */
export class AllocatorWords implements Subsystem {
  readonly exports = {};
  private readonly once = new Once();

  constructor(private readonly k: LinuxKernel) {}

  /** __alloc_pages(): an order that there is not. */
  tooLarge(flags: number): void {
    const name = this.k.hasSymbol('__alloc_pages') ? '__alloc_pages' : '__alloc_pages_noprof';
    this.warnOnce(flags, 'mm/page_alloc.c:5634', name);
  }

  /** kvmalloc_node(): more than INT_MAX. */
  aboveInt(flags: number): void {
    const name = this.k.hasSymbol('kvmalloc_node') ? 'kvmalloc_node' : '__kvmalloc_node_noprof';
    this.warnOnce(flags, 'mm/util.c:596', name);
  }

  /** __vmalloc_node_range(): no size at all, or more than the machine has. */
  badVmalloc(size: number): void {
    const { k } = this;
    const name = k.hasSymbol('__vmalloc_node_range') ? '__vmalloc_node_range' : '__vmalloc_node_range_noprof';
    if (size === 0) {
      this.warnOnce(0, 'mm/vmalloc.c:3227', name);
      return;
    }
    if (!this.once.first('pages')) return;
    const comm = k.struct('task_struct').text(k.current, 'comm');
    const where = 'mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0';
    k.log.line(`${comm}: vmalloc error: size ${size}, exceeds total pages, ${where}`, LOGLEVEL_WARNING);
    k.traps.dumpStack();
  }

  /** __vunmap() of what is no area. */
  badVfree(ptr: Ptr): void {
    const { k } = this;
    const inPage = (ptr & (PAGE_SIZE - 1)) !== 0;
    const shown = k.get(Vsprintf).hashedPointer(k.space.toAddress(ptr));
    const text = `Trying to vfree() ${inPage ? 'bad address' : 'nonexistent vm area'} (${shown})`;
    const name = k.hasSymbol('__vunmap') ? '__vunmap' : 'vfree';
    warn(k, text, `mm/vmalloc.c:${inPage ? 2752 : 2758}`, name, 'bad-free');
  }

  /** cache_from_obj(): the object goes back to its own cache all the same. */
  wrongCache(given: string, own: string): void {
    const text = `cache_from_obj: Wrong slab cache. ${given} but object is from ${own}`;
    warn(this.k, text, 'mm/slab.h:660', 'cache_from_obj', 'bad-free');
  }

  /** kmem_cache_create_usercopy() with an error. */
  noCache(name: string, error: number): void {
    const { k } = this;
    const fn = k.hasSymbol('kmem_cache_create_usercopy')
      ? 'kmem_cache_create_usercopy'
      : '__kmem_cache_create_args';
    k.log.line(`${fn}(${name}) failed with error ${error}`, LOGLEVEL_WARNING);
    k.traps.dumpStack();
  }

  /** __kmem_cache_shutdown(): the objects of a cache that is to go. `objectSize` as the module has it. */
  busyCache(cache: SlabCache, objectSize: number, objects: readonly Ptr[]): void {
    const { k } = this;
    const { name } = cache.options;
    const pointer = (ptr: Ptr): string => `0x${k.get(Vsprintf).hashedPointer(k.space.toAddress(ptr))}`;
    const size = Math.ceil(objectSize / 8) * 8;
    const bytes = PAGE_SIZE << slabOrder(size);
    const head = `Objects remaining in ${name} on __kmem_cache_shutdown()`;
    k.log.line('='.repeat(77), LOGLEVEL_ERR);
    k.log.line(`BUG ${name} (${k.traps.taint.print()}): ${head}`, LOGLEVEL_ERR);
    k.log.line('-'.repeat(77), LOGLEVEL_ERR);
    k.log.line('', LOGLEVEL_ERR);
    const slab = objects[0] & ~(bytes - 1);
    const counts = `objects=${Math.floor(bytes / size)} used=${objects.length} fp=${pointer(slab + size)}`;
    const flags = 'flags=0xfffffc0000200(slab|node=0|zone=1|lastcpupid=0x1fffff)';
    k.log.line(`Slab ${pointer(slab)} ${counts} ${flags}`, LOGLEVEL_ERR);
    k.traps.dumpStack();
    k.traps.taint.addUnreliable('BAD_PAGE', head, '');
    for (const object of objects)
      k.log.line(`Object ${pointer(object)} @offset=${object - slab}`, LOGLEVEL_ERR);
  }

  private warnOnce(flags: number, place: string, name: string): void {
    if ((flags & GFP_NOWARN) === 0 && this.once.first(place)) warn(this.k, '', place, name);
  }
}

/** calculate_order(): pages of a slab, as a power of two, for objects of `size` bytes. */
function slabOrder(size: number): number {
  for (let objects = MIN_OBJECTS; objects > 1; objects--)
    for (let fraction = 16; fraction >= 4; fraction /= 2)
      for (let order = orderOf(objects * size); order <= MAX_ORDER; order++) {
        const bytes = PAGE_SIZE << order;
        if (bytes % size <= bytes / fraction) return order;
      }
  return orderOf(size);
}

function orderOf(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(bytes / PAGE_SIZE)));
}

import { PAGE_KERNEL } from '../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr, pageAlign } from '../../cpu/layout.js';
import { GFP_ZERO } from '../abi/gfp.js';
import { INT_MAX } from '../abi/limits.js';
import type { LinuxKernel } from '../kernel.js';
import { VMALLOC } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';
import { AllocatorWords } from './allocator-words.js';
import { PageExports } from './pages.js';
import { SlabExports } from './slab.js';

/** vmalloc, kvmalloc and ioremap (mm/vmalloc.c, mm/util.c). */
export class VmallocExports implements Subsystem {
  private readonly usermaps = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    vmalloc: (size: number) => this.vmalloc(size),
    vzalloc: (size: number) => this.vmalloc(size),
    vmalloc_user: (size: number) => this.forUsers(size),
    vmalloc_32: (size: number) => this.vmalloc(size),
    vmalloc_32_user: (size: number) => this.forUsers(size),
    vmalloc_node: (size: number) => this.vmalloc(size),
    vzalloc_node: (size: number) => this.vmalloc(size),
    __vmalloc: (size: number) => this.vmalloc(size),
    vmalloc_huge: (size: number) => this.vmalloc(size),
    vmalloc_array: (count: number, size: number) => this.vmalloc(count * size),
    vcalloc: (count: number, size: number) => this.vmalloc(count * size),
    __vmalloc_array: (count: number, size: number) => this.vmalloc(count * size),
    __vcalloc: (count: number, size: number) => this.vmalloc(count * size),
    vfree: (ptr: Ptr) => this.vfree(ptr),
    vfree_atomic: (ptr: Ptr) => this.vfree(ptr),
    kvmalloc_node: (size: number, flags: number) => this.kvmalloc(size, flags),
    __kvmalloc_node_noprof: (size: number, ...rest: number[]) =>
      this.kvmalloc(size, this.k.get(SlabExports).gfpBehindBuckets(rest)),
    kvfree: (ptr: Ptr) => this.kvfree(ptr),
    kvfree_sensitive: (ptr: Ptr, size: number) => {
      if (ptr > 16) this.k.space.writable(ptr, size).fill(0);
      this.kvfree(ptr);
    },
    kvrealloc: (ptr: Ptr, oldSize: number, newSize: number, flags: number) =>
      this.kvrealloc(ptr, oldSize, newSize, flags),
    kvrealloc_noprof: (ptr: Ptr, size: number, flags: number) =>
      this.kvrealloc(ptr, this.sizeOf(ptr), size, flags),
  };

  private vmalloc(size: number): Ptr {
    this.k.traps.mightSleep('mm/vmalloc.c', 3114);
    if (size === 0 || size > VMALLOC.size) {
      this.k.get(AllocatorWords).badVmalloc(size);
      return 0;
    }
    return this.k.areas.allocate(size, 'vmalloc', PAGE_KERNEL);
  }

  /** vmalloc_user(): zeroed, and it may be mapped into a program (VM_USERMAP). */
  private forUsers(size: number): Ptr {
    const ptr = this.vmalloc(size);
    if (ptr === 0) return 0;
    this.usermaps.add(ptr);
    const type = this.k.struct('page');
    for (let at = ptr; at < ptr + size; at += PAGE_SIZE) {
      const page = this.k.get(PageExports).toPage(at);
      type.set(page, '_refcount.counter', 1);
      type.set(page, '_mapcount.counter', -1);
    }
    return ptr;
  }

  /** Bytes of the area that an address is in, if programs may map it. */
  userBytesAt(ptr: Ptr): number | undefined {
    const area = this.areaOf(ptr);
    const size = this.usermaps.has(area) ? this.k.ledger.get(area)?.size : undefined;
    return size === undefined ? undefined : pageAlign(size);
  }

  private vfree(ptr: Ptr): void {
    if (ptr === 0) return;
    this.usermaps.delete(ptr);
    if ((ptr & (PAGE_SIZE - 1)) !== 0 || !this.k.areas.free(this.areaOf(ptr)))
      this.k.get(AllocatorWords).badVfree(ptr);
  }

  /** The area that a page is in is freed, wherever in it the page is (find_vm_area()). */
  private areaOf(ptr: Ptr): Ptr {
    for (let at = ptr; at >= VMALLOC.start; at -= PAGE_SIZE) {
      const area = this.k.ledger.get(at);
      if (area) return area.kind === 'vmalloc' && at + area.size > ptr ? at : ptr;
    }
    return ptr;
  }

  /** kvmalloc: from the slab while it is small. */
  kvmalloc(size: number, flags: number): Ptr {
    if (size > INT_MAX) {
      this.k.get(AllocatorWords).aboveInt(flags);
      return 0;
    }
    if (size <= PAGE_SIZE * 8) return this.k.get(SlabExports).kmalloc(size, flags);
    const ptr = this.vmalloc(size);
    if (ptr !== 0 && flags & GFP_ZERO) this.k.space.bytes.fill(0, ptr, ptr + size);
    return ptr;
  }

  /** Frees what kvmalloc or kmalloc gave. */
  kvfree(ptr: Ptr): void {
    if (ptr >= VMALLOC.start && ptr < VMALLOC.start + VMALLOC.size) this.vfree(ptr);
    else this.k.get(SlabExports).kfree(ptr);
  }

  /** Bytes that were asked for when `ptr` was allocated; 0 for NULL. */
  private sizeOf(ptr: Ptr): number {
    return this.k.ledger.get(ptr)?.size ?? 0;
  }

  private kvrealloc(ptr: Ptr, oldSize: number, newSize: number, flags: number): Ptr {
    if (oldSize >= newSize) return ptr;
    const fresh = this.kvmalloc(newSize, flags);
    if (fresh === 0) return 0;
    if (ptr > 16) this.k.space.bytes.copyWithin(fresh, ptr, ptr + oldSize);
    this.kvfree(ptr);
    return fresh;
  }
}
